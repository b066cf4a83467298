"""Results that were encoded, and their objects read back."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import Dataset, dcmread

from node.domain.outgoing import ObjectKind, OutgoingObject
from node.domain.pseudonym import Pseudonymizer
from node.domain.result import Result
from node.domain.study import Priority
from node.domain.triage import Triage
from node.encode.context import EncodingContext
from node.encode.encoder import EncodedObject, encode_picture, encode_result
from tests.builders.ct import CtSpec, ct_series, write_series
from tests.builders.results import NOON

ROUTINE = Triage(priority=Priority.ROUTINE)
URGENT = Triage(priority=Priority.URGENT, because=("L1 trabecular core 98 HU, below 110 HU",))


def encoding_context(
    *, triage: Triage = ROUTINE, previous_report: OutgoingObject | None = None, key: bytes = b"the key of a site"
) -> EncodingContext:
    """The circumstances of an encoding at noon."""
    return EncodingContext(
        now=NOON,
        pseudonyms=Pseudonymizer(key),
        station="OSTEONODE",
        triage=triage,
        previous_report=previous_report,
    )


def encode(
    result: Result, spec: CtSpec, folder: Path, *, context: EncodingContext | None = None
) -> dict[ObjectKind, EncodedObject]:
    """The objects of a result on the built series of `spec`."""
    return encode_on(result, ct_series(spec), folder, context=context)


def a_picture(width: int = 16, height: int = 12) -> bytes:
    """A PNG in colours whose upper left pixel is red, the one beside it green and the one below it blue."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[0, 0, 0] = pixels[0, 1, 1] = pixels[1, 0, 2] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def encode_capture(
    result: Result, spec: CtSpec, folder: Path, *, context: EncodingContext | None = None
) -> EncodedObject:
    """The secondary capture of a small picture."""
    return encode_picture(result, a_picture(), write_series(ct_series(spec), folder), context or encoding_context())


def encode_every_kind(
    result: Result, sources: Sequence[Dataset], folder: Path, *, previous_report: OutgoingObject | None = None
) -> dict[ObjectKind, EncodedObject]:
    """Objects of every kind: an urgent result with a picture."""
    context = encoding_context(triage=URGENT, previous_report=previous_report)
    paths = write_series(sources, folder)
    made = (*encode_result(result, paths, context), encode_picture(result, a_picture(), paths, context))
    return {each.kind: each for each in made}


def encode_on(
    result: Result, sources: Sequence[Dataset], folder: Path, *, context: EncodingContext | None = None
) -> dict[ObjectKind, EncodedObject]:
    """The objects of a result on the given source data sets."""
    made = encode_result(result, write_series(sources, folder), context or encoding_context())
    return {each.kind: each for each in made}


def read(made: EncodedObject) -> Dataset:
    """The object as a reader sees it."""
    return dcmread(io.BytesIO(made.content))
