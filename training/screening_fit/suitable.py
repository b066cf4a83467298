"""Whether the node would read a scan at all."""

from __future__ import annotations

from node.domain.reasons import Reason, ReasonCode
from node.domain.selection import NoSuitableSeries, choose_series
from node.domain.study import Study
from node.domain.volume import Volume
from node.sections.arriving import SelectionSettings
from training.cohort.manifest import Scan
from training.series_headers import read_series


def why_not_read(scan: Scan, volume: Volume) -> Reason | None:
    """Why the node would not choose a series, by its headers; of other files by the distance of their slices alone.

    Raises
    ------
    InputRejected
        Where the headers of a series cannot be read.
    """
    rule = SelectionSettings().rule()
    if scan.image.is_dir():
        series = read_series(scan.image)
        study_uid = series.instances[0].study_uid
        choice = choose_series(Study(study_uid=study_uid, revision=1, series=(series,)), rule)
        return choice.reasons[0] if isinstance(choice, NoSuitableSeries) else None
    # files of other kinds may be turned: slices lie along the coarsest axis
    apart = max(volume.affine.spacing_mm)
    if apart <= rule.slice_mm:
        return None
    return Reason(code=ReasonCode.SLICES_TOO_THICK, detail=f"Got {apart:g} mm, at most {rule.slice_mm:g} mm.")
