"""The key that pseudonyms follow from."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from node.domain.errors import ConfigurationError

_BYTES, _LEAST_BYTES = 32, 16


def new_key() -> bytes:
    """A key that nobody has: pseudonyms of one export only."""
    return secrets.token_bytes(_BYTES)


def kept_key(path: Path) -> bytes:
    """The key in a file, for pseudonyms that are the same in the next export; made where there is none yet.

    Raises
    ------
    ConfigurationError
        Where it cannot be read or made, or is too short.
    """
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(new_key())
        key = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"the key {path} cannot be read or made: {error.strerror}") from error
    if len(key) < _LEAST_BYTES:
        raise ConfigurationError(f"the key {path} must have at least {_LEAST_BYTES} bytes, got {len(key)}")
    return key
