"""Training of the screening classifier on the scans of a manifest."""
