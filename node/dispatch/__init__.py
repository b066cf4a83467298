"""Delivery: objects of the node to a PACS by C-STORE, and folders of images to a node."""
