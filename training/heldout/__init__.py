"""A second family of synthetic scans, with shapes and textures of its own: what training never saw, to judge by."""
