"""Rows of a table that say how often something shows each bin of a clue."""

from __future__ import annotations

from collections.abc import Sequence

from node.domain.errors import ConfigurationError


def check_shares(row: Sequence[float], bins: int, of: str) -> None:
    """Refuse a row that has not so many positive shares of sum 1."""
    if len(row) != bins or not (min(row) > 0.0 and abs(sum(row) - 1.0) < 1e-3):
        raise ConfigurationError(f"{of} must have {bins} positive shares of sum 1")
