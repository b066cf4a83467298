"""How measurements and classifiers of bone density do on the frozen screening set."""
