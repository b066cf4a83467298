"""The synthetic people that classifiers of fractures learn from and are judged by, listed before any was trained."""
