"""Training of classifiers of fractures on the vertebrae of a manifest."""
