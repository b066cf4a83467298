"""How reading images says that they cannot be analysed."""

from __future__ import annotations

from node.domain.errors import NotAnalysable
from node.domain.reasons import Reason, ReasonCode


class ImageRefused(NotAnalysable):
    """An image or a series cannot be made a volume. Caught where the series is loaded, and returned as its reason."""

    def __init__(self, code: ReasonCode, detail: str = "") -> None:
        self.reason = Reason(code=code, detail=detail)
        super().__init__(self.reason.text)
