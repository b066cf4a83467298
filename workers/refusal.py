"""How reading images says that they cannot be analysed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom.errors import BytesLengthException, InvalidDicomError

from node.domain.errors import NotAnalysable, TransientFailure
from node.domain.reasons import Reason, ReasonCode


class ImageRefused(NotAnalysable):
    """An image or a series cannot be made a volume. Caught where the series is loaded, and returned as its reason."""

    def __init__(self, code: ReasonCode, detail: str = "") -> None:
        self.reason = Reason(code=code, detail=detail)
        super().__init__(self.reason.text)


#: What pydicom and its codecs raise on bytes that are no DICOM image. An OSError without a number is a codec's, too.
_PARSE_ERRORS = (
    InvalidDicomError,
    BytesLengthException,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    ArithmeticError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zlib.error,
)
#: A codec written in Rust ends like this, outside of Exception, where its input makes it read past the end.
_PANIC = "PanicException"


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn what goes wrong inside into a refusal of the image.

    Raises
    ------
    ImageRefused
        Where the bytes cannot be understood.
    TransientFailure
        Where the file cannot be read now.
    """
    try:
        yield
    except _PARSE_ERRORS as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise TransientFailure(f"an image file cannot be read: {error.strerror}") from error
        raise _unreadable(what, error) from error
    except BaseException as error:
        if type(error).__name__ != _PANIC:
            raise
        raise _unreadable(what, error) from error


def _unreadable(what: str, error: BaseException) -> ImageRefused:
    return ImageRefused(ReasonCode.UNREADABLE, f"{what}: {type(error).__name__}.")
