"""Sections about the services that the node runs or uses: broker, database and monitor."""

from __future__ import annotations

from pydantic import Field

from node.sections.section import Port, Seconds, Section


class BrokerSettings(Section):
    """Redis."""

    url: str = Field("", description="redis://, rediss:// or redis+socket://; empty starts a private server.")
    message_s: Seconds = Field(300.0, description="A message that nobody took for this long is lost and sent again.")


class DatabaseSettings(Section):
    """The index."""

    url: str = Field("", description="SQLAlchemy URL; empty takes index.sqlite in the node's folder.")


class FlowerSettings(Section):
    """Celery's monitor."""

    enabled: bool = Field(True, description="Whether `osteonode up` runs flower.")
    host: str = Field("127.0.0.1", description="Address to bind; flower has no log-in of its own here.")
    port: Port = Field(5555, description="TCP port.")
