"""CT images without identity, for training: copies of which a positive list says what they may hold."""
