"""What a command prints with `--json`."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def as_json(told: DataclassInstance | Sequence[DataclassInstance]) -> str:
    """A frozen type of the node, or several, as JSON: names as in the code, times as ISO 8601."""
    plain = [asdict(each) for each in told] if isinstance(told, Sequence) else asdict(told)
    return json.dumps(plain, indent=1, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON here")
