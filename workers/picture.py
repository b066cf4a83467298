"""`python -m workers.picture SERIES LABELS CROPS PNG`: draws what was found in a series.

A process of its own, because it loads the series again and takes seconds: no result waits for its picture.
"""

from __future__ import annotations

import sys
from pathlib import Path

from models.crops import crops_from_bytes
from models.pictures import draw_spine
from models.vertebra import SpineSegmentation
from node.artefacts import label_map_from_bytes
from node.domain.errors import NodeError
from node.domain.reasons import Reason
from workers.volume_io import load_series


def draw(series: Path, labels: Path, crops: Path) -> bytes | Reason:
    """The PNG of a series' spine, or why the series cannot be drawn.

    Parameters
    ----------
    series
        Folder of the series' DICOM files, and of nothing else.
    labels, crops
        What the stage `segment` left.
    """
    loaded = load_series(tuple(sorted(series.glob("*.dcm"))))
    if isinstance(loaded, Reason):
        return loaded
    vertebrae = tuple(crop.vertebra for crop in crops_from_bytes(crops.read_bytes()).crops)
    spine = SpineSegmentation(label_map=label_map_from_bytes(labels.read_bytes()), vertebrae=vertebrae)
    return draw_spine(loaded.volume, spine)


def main() -> int:
    """Draw one picture."""
    series, labels, crops, png = map(Path, sys.argv[1:5])
    try:
        drawn = draw(series, labels, crops)
    except NodeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if isinstance(drawn, Reason):
        sys.stderr.write(f"{drawn.text}\n")
        return 1
    png.write_bytes(drawn)
    return 0


if __name__ == "__main__":
    sys.exit(main())
