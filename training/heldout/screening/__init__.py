"""The frozen set that measurements and classifiers of bone density are judged by."""
