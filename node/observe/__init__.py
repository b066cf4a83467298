"""What the node says about itself: events, logs."""
