"""TotalSegmentator in a process of its own: `totalsegmentator_run IMAGE LABELS DEVICE STRUCTURE...`.

nnU-Net starts processes, which the children of a worker may not do; and what it leaves in its temporary folder goes
with that folder.
"""

from __future__ import annotations

import importlib
import sys


def main(image: str, labels: str, device: str, *structures: str) -> int:
    """Segment a NIfTI file into another one; nothing is sent about it."""
    config = importlib.import_module("totalsegmentator.config")
    config.setup_totalseg()
    config.set_config_key("send_usage_stats", False)
    nibabel = importlib.import_module("nibabel")
    segment = importlib.import_module("totalsegmentator.python_api").totalsegmentator
    found = segment(
        nibabel.load(image), None, ml=True, task="total", roi_subset=list(structures), device=device, quiet=True
    )
    nibabel.save(found, labels)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
