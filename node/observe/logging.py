"""JSON lines with named events and no identity."""

from __future__ import annotations

import datetime
import json
import logging
import sys
import traceback
from pathlib import Path

from node.domain.errors import NodeError
from node.observe.events import FIELDS, Event

#: Loggers whose messages the project writes itself.
OWN_LOGGERS = ("node", "workers", "models", "training")
#: Foreign loggers whose messages speak of tasks and connections, never of data sets.
TRUSTED_LOGGERS = ("celery", "kombu", "alembic")


class JsonLines(logging.Formatter):
    """One JSON object a line.

    Messages of DICOM libraries may quote values of a data set, so only their logger and level are kept. Of an exception
    the frames are kept, its message only where it is one of ours, which carry no identity.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        line: dict[str, object] = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": str(getattr(record, "event", "library")),
            "message": self._message(record),
            "logger": record.name,
            "process": record.process,
        }
        line |= {name: _plain(getattr(record, name)) for name in sorted(FIELDS) if hasattr(record, name)}
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _exception(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)

    @staticmethod
    def _message(record: logging.LogRecord) -> str:
        root = record.name.split(".")[0]
        if root in OWN_LOGGERS or root in TRUSTED_LOGGERS:
            return record.getMessage()
        return "message withheld: it may quote a data set"


def configure_logging(level: str = "INFO", file: Path | None = None) -> None:
    """Send all logs of this process to a file, or to standard error, as JSON lines."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr) if file is None else logging.FileHandler(file)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("pynetdicom", "pydicom", "highdicom", "alembic", "amqp", "kombu"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def event(name: Event, **fields: object) -> dict[str, object]:
    """The `extra` of a log call.

    Raises
    ------
    ValueError
        Where a field is not in the catalogue.
    """
    unknown = set(fields) - FIELDS
    if unknown:
        raise ValueError(f"a log line carries only the fields of the catalogue, got {sorted(unknown)}")
    return {"event": name, **fields}


def _plain(value: object) -> object:
    return value if isinstance(value, (int, float, bool)) or value is None else str(value)


def _exception(error: BaseException) -> dict[str, object]:
    """Type, frames and, for our own errors, the message; the same of what caused it."""
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    told: dict[str, object] = {"type": type(error).__name__, "frames": frames}
    if isinstance(error, NodeError):
        told["message"] = str(error)
    if error.__cause__ is not None:
        told["cause"] = _exception(error.__cause__)
    return told
