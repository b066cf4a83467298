"""Column types that take and give the domain's own values."""

from __future__ import annotations

import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import DateTime, Dialect, Enum, String, Text, TypeDecorator

from node.domain.identifiers import UID_MAX_LENGTH, Uid

T = TypeVar("T")

ENUM_MAX_LENGTH = 32


class UtcTime(TypeDecorator[datetime.datetime]):
    """A time with a zone, stored in UTC so that text order is time order where a database has no such type."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: Dialect) -> datetime.datetime | None:
        """The time in UTC; one without a zone is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time in the index must carry a time zone, got {value!r}")
        return value.astimezone(datetime.UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime.datetime | None:
        """The time, in UTC."""
        if value is None:
            return None
        stored: datetime.datetime = value
        return stored.replace(tzinfo=datetime.UTC) if stored.tzinfo is None else stored.astimezone(datetime.UTC)


class UidColumn(TypeDecorator[Uid]):
    """A DICOM unique identifier."""

    impl = String(UID_MAX_LENGTH)
    cache_ok = True

    def process_bind_param(self, value: Uid | None, dialect: Dialect) -> str | None:
        """The identifier as plain text."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Uid | None:
        """The identifier, checked again: a row that somebody edited by hand is no exception."""
        return None if value is None else Uid(value)


class AsJson(TypeDecorator[T], Generic[T]):
    """A typed value as JSON text, read and written by pydantic."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind
        self._adapter: TypeAdapter[T] = TypeAdapter(kind)

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:
        """The value as JSON."""
        return None if value is None else self._adapter.dump_json(value).decode("utf-8")

    def process_result_value(self, value: Any | None, dialect: Dialect) -> T | None:
        """The value."""
        return None if value is None else self._adapter.validate_json(value)


def enum_column(kind: type[StrEnum]) -> Enum:
    """A closed set as text, without a database type of its own, so that a new member needs no migration."""
    return Enum(
        kind,
        native_enum=False,
        length=ENUM_MAX_LENGTH,
        values_callable=lambda members: [each.value for each in members],
    )
