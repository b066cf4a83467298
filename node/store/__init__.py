"""The store: files that are durable, and the index that is the one truth of the node."""
