"""What networks learn: each lesson has its samples, its loss and its score."""
