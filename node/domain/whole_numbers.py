"""Numbers for people: whole, as long as that puts none on the other side of a limit."""

from __future__ import annotations

from collections.abc import Callable


def whole(value: float, judged: Callable[[float], object]) -> str:
    """The number without decimals, or with one where rounding it would change what is said of it.

    Parameters
    ----------
    judged
        What is said of such a number: a category, a band, a grade.
    """
    return f"{value:.0f}" if judged(float(round(value))) == judged(value) else f"{value:.1f}"
