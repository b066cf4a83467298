"""Judging models on data whose truth is known."""
