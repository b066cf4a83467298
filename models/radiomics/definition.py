"""What a feature is: grid, grey levels, filters and slices, read from one file."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from models.unreadable import what_is_wrong
from node.domain.errors import ConfigurationError

#: The file that comes along.
DEFINITION = Path(__file__).with_name("definition.toml")

#: The form of the code here, see the file.
FORM = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where and in which range CT numbers are taken; mm and HU.

    Parameters
    ----------
    pad_mm
        What filters see around the body, whole voxels of the grid; crops must reach as far, and half a slice farther.
    """

    spacing_mm: float
    pad_mm: float
    lowest_hu: float
    highest_hu: float

    def __post_init__(self) -> None:
        if not (self.spacing_mm > 0.0 and self.pad_mm >= 0.0 and self.lowest_hu < self.highest_hu):
            raise ValueError(f"a grid needs a spacing, a pad of 0 or more and a range, got {self}")
        if self.pad_mm % self.spacing_mm:
            raise ValueError(f"a pad must be whole voxels of {self.spacing_mm} mm, got {self.pad_mm}")

    @property
    def pad(self) -> int:
        """Voxels around the body."""
        return round(self.pad_mm / self.spacing_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discretisation:
    """Width of the bins of grey levels, which begin at 0."""

    bin_width: float

    def __post_init__(self) -> None:
        if not self.bin_width > 0.0:
            raise ValueError(f"a bin must have a width, got {self.bin_width}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Standard deviations of the Laplacians of Gaussians, mm, and the wavelet of one undecimated level."""

    log_sigma_mm: tuple[float, ...]
    wavelet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """What a network sees of a body, mm and HU.

    Parameters
    ----------
    beside_mm
        Distance of the neighbours from the slice in the middle.
    side_mm
        Of the square that is shown.
    window_hu
        CT numbers that are black and white.
    """

    beside_mm: float
    side_mm: float
    window_hu: tuple[float, float]

    def __post_init__(self) -> None:
        low, high = self.window_hu
        if not (self.beside_mm > 0.0 and self.side_mm > 0.0 and low < high):
            raise ValueError(f"slices need a distance, a size and a window, got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RadiomicsDefinition:
    """All that a value of a feature depends on beside the image and the mask."""

    form: int
    grid: Grid
    discretisation: Discretisation
    filters: Filters
    slices: Slices

    def __post_init__(self) -> None:
        if self.form != FORM:
            raise ValueError(f"this version takes features of form {FORM}, got {self.form}")

    @property
    def sha256(self) -> str:
        """Of the values, not of how they are written."""
        content = json.dumps(_DEFINITION.dump_python(self, mode="json"), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def settings(self) -> dict[str, object]:
        """As pyradiomics calls them; what is not here keeps its default of pyradiomics 3.0.1."""
        return {
            "binWidth": self.discretisation.bin_width,
            "sigma": list(self.filters.log_sigma_mm),
            "wavelet": self.filters.wavelet,
            "start_level": 0,
            "level": 1,
            "label": 1,
            "force2D": False,
            "distances": [1],
            "symmetricalGLCM": True,
            "weightingNorm": None,
            "gldm_a": 0,
            "voxelArrayShift": 0,
        }


_DEFINITION = TypeAdapter(RadiomicsDefinition)


def read_definition(path: Path) -> RadiomicsDefinition:
    """The definition in a file.

    Raises
    ------
    ConfigurationError
        Where it cannot be read, lacks a value, has one that nobody knows, or one that is out of range.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return _DEFINITION.validate_python(content, strict=False, extra="forbid")
    except ValidationError as error:
        raise ConfigurationError(f"{path.name} defines no features: {what_is_wrong(error)}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path.name} cannot be read as a definition of features: {error}") from error


@cache
def own_definition() -> RadiomicsDefinition:
    """The definition that comes along."""
    return read_definition(DEFINITION)
