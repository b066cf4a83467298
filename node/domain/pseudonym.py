"""Names for patients and studies that may stand in logs, metrics and task lists."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

PSEUDONYM_LENGTH = 16  # hexadecimal digits: 64 bits, so two of a million studies share one with odds of 1 to 4e7


@dataclass(frozen=True, slots=True)
class Pseudonymizer:
    """Turns an identifier into a keyed digest that cannot be turned back without the site's key."""

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) < 16:
            raise ValueError(f"the pseudonym key must have at least 16 bytes, got {len(self.key)}")

    def of(self, text: str) -> str:
        """Sixteen hexadecimal digits, always the same for the same text and key."""
        return hmac.digest(self.key, text.encode("utf-8"), "sha256").hex()[:PSEUDONYM_LENGTH]
