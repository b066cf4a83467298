"""From the DICOM files of a series to a volume in HU, or to the reason why they make none."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from node.domain.errors import InvalidIdentifier
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.reasons import Reason, ReasonCode
from node.domain.selection import MAX_VOXELS
from node.domain.stack import SAME_POSITION_MM, stack_affine, stack_slices
from node.domain.volume import Float32, Volume
from workers.extent import check_extent
from workers.header import read_image_file
from workers.image_file import Frame, ImageFile
from workers.pixels import read_frames_into
from workers.refusal import ImageRefused
from workers.voxel_memory import Allocate, fresh

#: Pixel spacings may differ by this share between slices of one grid; over 512 pixels that is a twentieth of a pixel.
SPACING_TOLERANCE = 1e-4
#: A slice may lie this far from its place on the regular grid, voxels.
PLACE_TOLERANCE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedSeries:
    """The volume of a series, and what was left out of it, in sentences."""

    volume: Volume
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slice:
    """A frame and the file that holds it."""

    image: ImageFile
    frame: Frame


def load_series(
    files: Sequence[Path], *, threads: int = 2, max_voxels: int = MAX_VOXELS, allocate: Allocate = fresh
) -> LoadedSeries | Reason:
    """The volume that the files make, k along row direction cross column direction.

    Slices at one position with the same pixels are taken once. Nothing is resampled or filled in.

    Parameters
    ----------
    files
        All files of the series, in any order.
    threads
        So many files are read at the same time.
    max_voxels
        A larger volume is refused.
    allocate
        Gives the memory of the volume.

    Raises
    ------
    TransientFailure
        Where a file cannot be read now.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, about header values that play no part here
        try:
            return _load(_slices(files), threads=threads, max_voxels=max_voxels, allocate=allocate)
        except ImageRefused as refused:
            return refused.reason


def _slices(files: Sequence[Path]) -> list[_Slice]:
    """All frames of all files in an order that depends on the images alone."""
    # one after another: parsing holds the interpreter's lock, and threads that fight for it are slower
    images: list[ImageFile] = []

    def read(path: Path) -> None:
        images.append(read_image_file(path))

    _raise_first([_refusal(read, path) for path in files])
    images.sort(key=lambda image: image.sop_instance_uid)
    return [_Slice(image=image, frame=frame) for image in images for frame in image.frames]


def _refusal(read: Callable[[Path], None], path: Path) -> Reason | None:
    """Why a file was refused, or `None` where it was read."""
    try:
        read(path)
    except ImageRefused as refused:
        return refused.reason
    return None


def _raise_first(refusals: Sequence[Reason | None]) -> None:
    """Refuse the series for its first refused file, and say how many there are."""
    reasons = [reason for reason in refusals if reason is not None]
    if reasons:
        count = f"{len(reasons)} of {len(refusals)} image files cannot be used"
        detail = f"{count}: {reasons[0].detail}" if reasons[0].detail else f"{count}."
        raise ImageRefused(reasons[0].code, detail)


def _load(slices: list[_Slice], *, threads: int, max_voxels: int, allocate: Allocate) -> LoadedSeries:
    if not slices:
        raise ImageRefused(ReasonCode.NO_PIXEL_DATA, "The series has no images.")
    frame_of_reference = _frame_of_reference(slices)
    rows, columns = _one_grid(slices)
    positions, orientations = [each.frame.position for each in slices], [each.frame.orientation for each in slices]
    stack = stack_slices(positions, orientations)
    if isinstance(stack, Reason):
        raise ImageRefused(stack.code, stack.detail)
    if len(stack.order) * rows * columns > max_voxels:
        raise ImageRefused(
            ReasonCode.VOLUME_TOO_LARGE,
            f"{len(stack.order)} x {rows} x {columns} voxels, at most {max_voxels} in all are accepted.",
        )
    kept = [slices[place] for place in stack.order]
    affine = stack_affine(stack, positions, orientations, spacing_mm=kept[0].frame.spacing_mm)
    check_extent(affine, (len(kept), rows, columns))
    _check_places(kept, affine)
    hu = allocate((len(kept), rows, columns))
    _read(list(zip(kept, hu, strict=True)), threads)
    notes = _drop_duplicates([slices[place] for place in stack.duplicates], kept, hu)
    return LoadedSeries(volume=Volume(hu=hu, affine=affine, frame_of_reference=frame_of_reference), notes=notes)


def _frame_of_reference(slices: Iterable[_Slice]) -> Uid:
    found = {each.image.frame_of_reference for each in slices}
    if len(found) > 1:
        raise ImageRefused(ReasonCode.MIXED_FRAMES_OF_REFERENCE, f"{len(found)} are used.")
    try:
        return Uid(found.pop())
    except InvalidIdentifier as error:
        raise ImageRefused(ReasonCode.MISSING_GEOMETRY, "The Frame of Reference UID is missing or no UID.") from error


def _one_grid(slices: Sequence[_Slice]) -> tuple[int, int]:
    """Rows and columns that all slices share."""
    sizes = {(each.image.format.rows, each.image.format.columns) for each in slices}
    if len(sizes) > 1:
        raise ImageRefused(
            ReasonCode.MIXED_GRIDS, f"Sizes {', '.join(f'{rows} x {columns}' for rows, columns in sorted(sizes))}."
        )
    spacings = np.array([each.frame.spacing_mm for each in slices])
    if np.abs(spacings / spacings[0] - 1).max() > SPACING_TOLERANCE:
        raise ImageRefused(ReasonCode.MIXED_GRIDS, f"Pixel spacings from {spacings.min():g} to {spacings.max():g} mm.")
    return sizes.pop()


def _check_places(kept: Sequence[_Slice], affine: Affine) -> None:
    """Refuse ordered slices that do not lie where the grid says."""
    off = affine.to_index(np.array([each.frame.position for each in kept], dtype=np.float64))
    off[:, 0] -= np.arange(len(kept))
    worst = np.abs(off).max(axis=0)
    if worst[0] > PLACE_TOLERANCE:
        raise ImageRefused(
            ReasonCode.MISSING_SLICES, f"A slice lies {worst[0] * affine.spacing_mm[0]:.2f} mm from its place."
        )
    if worst[1:].max() > PLACE_TOLERANCE:
        raise ImageRefused(ReasonCode.MIXED_GRIDS, f"Slices are shifted sideways by {worst[1:].max():.1f} pixels.")


def _read(targets: Sequence[tuple[_Slice, Float32]], threads: int) -> None:
    """Fill the arrays, several files at the same time."""
    frames: dict[Path, list[tuple[Frame, Float32]]] = {}
    images = {}
    for each, target in targets:
        images[each.image.path] = each.image
        frames.setdefault(each.image.path, []).append((each.frame, target))

    def read(path: Path) -> None:
        read_frames_into(images[path], frames[path])

    with ThreadPoolExecutor(threads) as pool:
        _raise_first(list(pool.map(lambda path: _refusal(read, path), frames)))


def _drop_duplicates(duplicates: Sequence[_Slice], kept: Sequence[_Slice], hu: Float32) -> tuple[str, ...]:
    """Check that slices left out equal the ones kept at their position; returns what is to be said about it."""
    if not duplicates:
        return ()
    positions = np.array([each.frame.position for each in kept])
    other = np.empty(hu.shape[1:], dtype=np.float32)
    for each in duplicates:
        away = np.linalg.norm(positions - np.array(each.frame.position), axis=1)
        k = int(away.argmin())
        read_frames_into(each.image, [(each.frame, other)])
        if away[k] > SAME_POSITION_MM or not np.array_equal(other, hu[k]):
            raise ImageRefused(
                ReasonCode.DUPLICATE_SLICES, f"{len(duplicates)} slices lie where others do, with other pixels."
            )
    return (f"{len(duplicates)} slices were there twice with the same pixels; one of each was used.",)
