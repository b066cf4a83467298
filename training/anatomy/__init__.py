"""A trunk made of parametric shapes: no patient and no mask of one is in it."""
