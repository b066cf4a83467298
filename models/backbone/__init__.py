"""Features of vertebral bodies by a network that learned to see from other images: a ResNet-50."""
