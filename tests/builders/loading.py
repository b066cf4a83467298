"""Loading synthetic series: the volume, or the reason why there is none."""

import numpy as np
from pydicom import Dataset

from node.domain.reasons import Reason
from tests.builders.ct import CtSpec, ct_series, write_series
from tests.builders.enhanced_ct import enhanced_ct
from workers.volume_io import LoadedSeries, load_series


def load(datasets: list[Dataset], folder, **options) -> LoadedSeries:
    """The volume that the data sets make, written to files first."""
    loaded = load_series(write_series(datasets, folder), **options)
    assert isinstance(loaded, LoadedSeries), loaded
    return loaded


def refusal(datasets: list[Dataset], folder, **options) -> Reason:
    """Why the data sets make no volume."""
    reason = load_series(write_series(datasets, folder), **options)
    assert isinstance(reason, Reason), "a reason was expected, a volume came"
    return reason


def series_of(spec: CtSpec, multi_frame: bool) -> list[Dataset]:
    """The series as one enhanced object or as an object a slice."""
    return [enhanced_ct(spec)] if multi_frame else ct_series(spec)


def noise(spec: CtSpec) -> np.ndarray:
    """Whole CT numbers that differ in every voxel and slice, HU."""
    values = np.random.default_rng(5).integers(-1000, 1500, (spec.slices, spec.rows, spec.columns))
    return values.astype(np.float32)
