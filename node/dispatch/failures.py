"""The two ways in which a delivery fails: one passes, the other does not."""

from __future__ import annotations

from node.domain.errors import ConfigurationError, TransientFailure


class DestinationUnavailable(TransientFailure):
    """The destination cannot take the object now; it is tried again."""


class DestinationPaused(DestinationUnavailable):
    """The destination failed several times in a row, so it is left alone for a while; the object was not tried."""


class DestinationRefuses(ConfigurationError):
    """The destination refuses the object for good; the operator must change the destination or where objects go."""
