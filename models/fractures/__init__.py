"""What vertebral bodies look like after a fracture: by radiomic features and those of a network, fused."""
