"""Radiomic features of vertebral bodies: one definition for training and for the node."""
