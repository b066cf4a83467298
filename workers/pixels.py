"""Stored pixel values of a file as CT numbers, written into the array that they belong in.

References
----------
[1] DICOM PS3.5, section 8.1.1: a value occupies the bits from High Bit down; the others may hold anything.
[2] DICOM PS3.3, C.7.5.1.1.2: Pixel Padding Value and Range Limit.
[3] ISO/IEC 10918-1, B.1.1.3 and 15444-1, A.4.4: a code stream ends with the marker FFD9.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from node.domain.reasons import ReasonCode
from node.domain.volume import Float32
from workers.image_file import Frame, ImageFile, PixelFormat
from workers.refusal import ImageRefused, refusing

Stored = NDArray[np.integer]

#: CT numbers that tissue, air and metal have on the usual 12 bit scale. A padding value among them is not believed:
#: real pixels may have it too.
_BELIEVABLE_HU = (-1000.0, 3071.0)
_AIR_HU = -1000.0
_END_OF_CODE_STREAM = b"\xff\xd9"


def read_frames_into(image: ImageFile, wanted: Sequence[tuple[Frame, Float32]]) -> None:
    """Write CT numbers, HU, into one array of shape (rows, columns) for each wanted frame.

    Raises
    ------
    ImageRefused
        Where pixels cannot be decoded, or are fewer than the header says.
    TransientFailure
        Where the file cannot be read now.
    """
    with refusing("Pixels cannot be decoded"):
        if image.pixels_at is not None:
            for frame, target in wanted:
                _to_hu(_native(image, frame.index), image.format, frame, target)
        else:
            targets = {frame.index: (frame, target) for frame, target in wanted}
            for index, stored in enumerate(_decoded(image)):
                if index in targets:
                    _to_hu(stored, image.format, *targets[index])


def _native(image: ImageFile, index: int) -> Stored:
    form = image.format
    count = form.rows * form.columns
    start = (image.pixels_at or 0) + index * form.frame_bytes
    values: Stored = np.fromfile(image.path, dtype=_stored_type(form), count=count, offset=start)
    if values.size < count:
        raise ImageRefused(ReasonCode.UNREADABLE, "An image file became shorter while it was read.")
    return values.astype(values.dtype.newbyteorder("="), copy=False).reshape(form.rows, form.columns)


def _decoded(image: ImageFile) -> Iterator[Stored]:
    """The frames of a compressed file, in order."""
    form = image.format
    dataset = pydicom.dcmread(image.path)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax == DeflatedExplicitVRLittleEndian:
        values: Stored = np.frombuffer(dataset.PixelData, dtype=_stored_type(form))
        yield from values[: len(image.frames) * form.rows * form.columns].reshape(-1, form.rows, form.columns)
        return
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise ImageRefused(ReasonCode.UNREADABLE, f"There is no decoder for the transfer syntax {syntax}.") from error
    _check_ends(dataset, len(image.frames))
    for stored, _ in decoder.iter_array(dataset, raw=True):
        if stored.shape != (form.rows, form.columns):
            raise ImageRefused(
                ReasonCode.UNREADABLE,
                f"Decoded pixels must be {form.rows} x {form.columns}, got {' x '.join(map(str, stored.shape))}.",
            )
        yield stored


def _check_ends(dataset: pydicom.Dataset, count: int) -> None:
    """Refuse code streams without their end: some decoders fill up what is missing and say nothing."""
    frames = list(generate_frames(dataset.PixelData, number_of_frames=count))
    if len(frames) != count:
        raise ImageRefused(ReasonCode.UNREADABLE, f"{count} compressed frames were expected, got {len(frames)}.")
    if dataset.file_meta.TransferSyntaxUID == RLELossless:
        return
    if not all(_END_OF_CODE_STREAM in frame[-4:] for frame in frames):
        raise ImageRefused(ReasonCode.UNREADABLE, "A compressed frame is cut off: its code stream has no end.")


def _stored_type(form: PixelFormat) -> np.dtype[np.integer]:
    order = ">" if form.big_endian else "<"
    return np.dtype(f"{order}{'i' if form.signed else 'u'}{form.bits_allocated // 8}")


def _to_hu(stored: Stored, form: PixelFormat, frame: Frame, target: Float32) -> None:
    values = _significant(stored, form)
    if form.bits_allocated > 16:
        target[:] = values.astype(np.float64) * frame.slope + frame.intercept
    else:
        np.multiply(values, np.float32(frame.slope), out=target, dtype=np.float32, casting="unsafe")
        target += np.float32(frame.intercept)
    padding = _believable_padding(form, frame)
    if padding is not None:
        _fill_padding(values, padding, target)


def _significant(stored: Stored, form: PixelFormat) -> Stored:
    """The values without what other bits hold; the sign follows from the highest stored bit."""
    above = form.bits_allocated - 1 - form.high_bit
    unused = form.bits_allocated - form.bits_stored
    if unused == 0:
        return stored
    values: Stored = np.right_shift(np.left_shift(stored, above), unused)
    return values


def _believable_padding(form: PixelFormat, frame: Frame) -> tuple[int, int] | None:
    if form.padding is None:
        return None
    ends = sorted(value * frame.slope + frame.intercept for value in form.padding)
    overlaps = ends[0] <= _BELIEVABLE_HU[1] and ends[1] >= _BELIEVABLE_HU[0]
    return None if overlaps else form.padding


def _fill_padding(values: Stored, padding: tuple[int, int], target: Float32) -> None:
    """Give padding the lowest CT number measured in the slice: air, on whatever scale, so that a wrong scale shows."""
    outside = (values >= padding[0]) & (values <= padding[1])
    if outside.any():
        target[outside] = _AIR_HU if outside.all() else target[~outside].min()
