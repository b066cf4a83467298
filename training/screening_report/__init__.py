"""The report on a screening classifier: how well it does on scans that it has not learned from."""
