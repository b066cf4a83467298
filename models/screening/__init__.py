"""A classifier of bone density: from crops of L1 and L2 to probabilities of three categories."""
