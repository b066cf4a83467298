"""What a synthetic chest CT is to be like."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from node.domain.levels import USUAL_LEVELS, VertebralLevel
from training.phantom.changes import Fracture, Variant, check_range

#: Trabecular CT numbers that occur in living bone, from fatty marrow to a sclerotic vertebra, HU (plausible choice).
TRABECULAR_HU = (-50.0, 500.0)
#: Tube voltages of clinical CT, kV.
KVP = (70.0, 150.0)
#: Slices between the thinnest of current scanners and what no vertebra can be measured in, mm.
SLICE_MM = (0.4, 10.0)
#: Blur of scanner and kernel in the plane, standard deviation, mm: from sharp to very soft (plausible choice).
BLUR_MM = (0.25, 1.2)
#: Pixels a side.
SIZE = (64, 1024)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomSpec:
    """A chest CT to be drawn; the same specification gives the same bytes.

    Parameters
    ----------
    seed
        The person, and the noise. Everything else may change without changing the person's build.
    trabecular_hu
        Mean CT number of the trabecular core of every vertebral body without noise, HU.
    kvp
        Tube voltage, kV; mineral is brighter at a lower one, but `trabecular_hu` stays what it says.
    slice_mm
        Thickness of the slices, which is also the distance between them.
    size
        Rows and columns of the image.
    noise_hu
        Standard deviation of the noise in the middle of the field of view, HU; 0 for none.
    blur_mm
        Of scanner and kernel in the plane, standard deviation; by itself half of the contrast is left at 3.4 line pairs
        a cm. A sharper kernel has finer noise.
    first, last
        Highest and lowest vertebra that the scan covers as a whole.
    cut_at
        Ends the scan in the middle of this body instead of below `last`.
    fractures, variants
        At most one of each a level.

    Raises
    ------
    ValueError
        Where a value lies outside its range, the levels are not in order, or a level is broken
        twice.
    """

    seed: int = 7
    trabecular_hu: float = 140.0
    kvp: float = 120.0
    slice_mm: float = 2.0
    size: int = 512
    noise_hu: float = 14.0
    blur_mm: float = 0.55
    first: VertebralLevel = VertebralLevel.T6
    last: VertebralLevel = VertebralLevel.L3
    cut_at: VertebralLevel | None = None
    fractures: tuple[Fracture, ...] = ()
    variants: tuple[Variant, ...] = ()

    def __post_init__(self) -> None:
        check_range("the seed", self.seed, (0, 2**63 - 1), "")
        check_range("the trabecular CT number", self.trabecular_hu, TRABECULAR_HU, "HU")
        check_range("the tube voltage", self.kvp, KVP, "kV")
        check_range("the slice thickness", self.slice_mm, SLICE_MM, "mm")
        check_range("the image size", self.size, SIZE, "pixels")
        check_range("the noise", self.noise_hu, (0.0, 200.0), "HU")
        check_range("the blur", self.blur_mm, BLUR_MM, "mm")
        changed = [[change.level for change in changes] for changes in (self.fractures, self.variants)]
        levels = (self.first, self.lowest, *(level for levels in changed for level in levels))
        unusual = [str(level) for level in levels if level not in USUAL_LEVELS]
        if unusual:
            raise ValueError(f"levels must be from T1 to L5, got {', '.join(unusual)}")
        if USUAL_LEVELS.index(self.first) >= USUAL_LEVELS.index(self.lowest):
            raise ValueError(f"the scan must run from a higher to a lower level, got {self.first} to {self.lowest}")
        if any(count > 1 for levels in changed for count in Counter(levels).values()):
            raise ValueError("a level can be broken once and have one variant, got two of one level")

    @property
    def lowest(self) -> VertebralLevel:
        """The last level that is in the scan, whole or cut."""
        return self.last if self.cut_at is None else self.cut_at

    def fracture_of(self, level: VertebralLevel | None) -> Fracture | None:
        """The fracture of a level, or `None` where it has none."""
        return next((fracture for fracture in self.fractures if fracture.level is level), None)

    def variant_of(self, level: VertebralLevel | None) -> Variant | None:
        """What is unusual and no fracture at a level, or `None`."""
        return next((variant for variant in self.variants if variant.level is level), None)
