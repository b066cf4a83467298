"""Trained networks and the measurements made with them: a volume in, findings out."""
