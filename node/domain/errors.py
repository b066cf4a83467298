"""One tree of errors; the first level says who must act."""

from __future__ import annotations


class NodeError(Exception):
    """Something went wrong in the node."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message if message is not None else (type(self).__doc__ or "").strip())


class InputRejected(NodeError):
    """What was sent cannot be accepted; the sender must send it differently."""


class InvalidIdentifier(InputRejected):
    """An identifier does not follow the grammar that DICOM gives it."""


class NotAnalysable(NodeError):
    """The images cannot be analysed. Nobody must act: this is a result."""


class TransientFailure(NodeError):
    """The work failed for a cause that may pass; it is tried again."""


class StaleLease(NodeError):
    """Another worker holds this work by now; what this worker made is refused."""


class ConfigurationError(NodeError):
    """The node is set up in a way that cannot work; the operator must change it."""


class Bug(NodeError):
    """The program contradicts itself; a developer must act."""
