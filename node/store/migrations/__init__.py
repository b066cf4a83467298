"""Migrations of the index, applied in order by `node.store.upgrade`."""
