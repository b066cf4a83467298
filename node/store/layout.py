"""Where things lie in the store: paths are made of checked identifiers and of nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from node.domain.identifiers import Uid

#: Two hexadecimal digits: 256 folders, so that none holds more than a few thousand studies of a million.
SHARD_LENGTH = 2
#: The images of a study come together.
REMEMBERED_SHARDS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLayout:
    """The folders of one store. All paths that it gives are relative to `root`, with forward slashes.

    Parameters
    ----------
    root
        One filesystem, since files are moved into place by hard links.
    """

    root: Path

    def instance(self, study_uid: Uid, series_uid: Uid, sop_instance_uid: Uid) -> str:
        """The file of an instance that was received."""
        return f"instances/{_shard(study_uid)}/{study_uid}/{series_uid}/{sop_instance_uid}.dcm"

    def conflict(self, sop_instance_uid: Uid, digest: str) -> str:
        """The file of an instance that came with other bytes under a known UID; named by its bytes, so kept once."""
        return f"conflicts/{_shard(sop_instance_uid)}/{sop_instance_uid}/{digest}.dcm"

    def incoming(self, process: int) -> Path:
        """The folder, absolute, in which one listener process writes what is still arriving."""
        return self.root / "incoming" / str(process)

    def absolute(self, file: str) -> Path:
        """The absolute path of a file of the store."""
        return self.root / file


@lru_cache(maxsize=REMEMBERED_SHARDS)
def _shard(uid: Uid) -> str:
    return hashlib.sha256(uid.encode("ascii")).hexdigest()[:SHARD_LENGTH]
