"""The log names events and carries no identity."""

import json
import logging

import pytest

from node.domain.errors import TransientFailure
from node.observe.events import Event
from node.observe.logging import JsonLines, event


def line_of(logger: str, message: str, *, error: BaseException | None = None, **extra: object) -> dict[str, object]:
    record = logging.LogRecord(logger, logging.INFO, __file__, 1, message, None, None)
    if error is not None:
        record.exc_info = (type(error), error, error.__traceback__)
    record.__dict__.update(extra)
    return json.loads(JsonLines().format(record))


def test_a_line_names_its_event_and_its_fields():
    line = line_of("node.receive", "instance stored", **event(Event.INSTANCE_STORED, study="ab12", size=7))

    assert (line["event"], line["study"], line["size"]) == ("instance-stored", "ab12", 7)


def test_a_field_outside_the_catalogue_is_refused():
    with pytest.raises(ValueError, match="patient_name"):
        event(Event.INSTANCE_STORED, patient_name="Doe^Jane")


def test_a_field_that_bypasses_the_catalogue_is_left_out():
    line = line_of("node.receive", "instance stored", event="x", PatientName="Doe^Jane")

    assert "Doe" not in json.dumps(line)


def test_a_message_of_a_dicom_library_is_withheld():
    line = line_of("pydicom", "Invalid value for PN: Doe^Jane")

    assert "Doe" not in json.dumps(line)
    assert line["logger"] == "pydicom"


def test_a_foreign_exception_keeps_its_frames_and_loses_its_message():
    try:
        raise KeyError("Doe^Jane")
    except KeyError as error:
        line = line_of("node.receive", "failed", error=error)

    assert "Doe" not in json.dumps(line)
    assert line["exception"]["type"] == "KeyError"
    assert "test_logging.py" in line["exception"]["frames"][0]


def test_our_own_errors_keep_their_message():
    line = line_of("node.store", "failed", error=TransientFailure("the index is locked"))

    assert line["exception"]["message"] == "the index is locked"
