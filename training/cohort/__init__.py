"""The people that a model learns from and is judged by: a list of their scans, checked, and shared out to cohorts."""
