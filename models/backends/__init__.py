"""What tells the tissues of a trunk apart on a coarse grid: our network, or that of others."""
