"""Phantoms, training, evaluation and release of models; nothing at run time imports it."""
