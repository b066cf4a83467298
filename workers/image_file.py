"""What one DICOM file holds: its frames, where they lie, how their pixels are stored and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from node.domain.study import Vector3, Vector6


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelFormat:
    """How the values of a frame are stored (PS3.5 section 8.1.1); one sample a pixel.

    Parameters
    ----------
    padding
        Lowest and highest stored value that mark pixels outside the reconstructed field; `None` where none do.
    """

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    big_endian: bool = False
    padding: tuple[int, int] | None = None

    @property
    def frame_bytes(self) -> int:
        """Size of one uncompressed frame, bytes."""
        return self.rows * self.columns * self.bits_allocated // 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One slice: its place in the file from 0, its geometry, and the line from stored values to HU.

    `spacing_mm` is the distance between rows, then between columns.
    """

    index: int
    position: Vector3
    orientation: Vector6
    spacing_mm: tuple[float, float]
    slope: float
    intercept: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """A DICOM file that holds slices.

    Parameters
    ----------
    pixels_at
        Where the first byte of uncompressed pixels lies in the file; `None` where they must be decoded.
    """

    path: Path
    sop_instance_uid: str
    frame_of_reference: str
    format: PixelFormat
    frames: tuple[Frame, ...]
    pixels_at: int | None
