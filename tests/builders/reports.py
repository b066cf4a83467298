"""Reading what a report says."""

from highdicom import sr
from pydicom import Dataset
from pydicom.sr.coding import Code

OWN = "99OSTEONODE"
REASON = Code("EXC000", OWN, "Reason not evaluated")
STATUS = Code("STA001", OWN, "Assessment status")
HU_BAND = Code("HUB001", OWN, "CT number band of L1 trabecular bone, uncalibrated")


def content_of(report: Dataset) -> sr.MeasurementReport:
    """The report by highdicom's reader."""
    return sr.Comprehensive3DSR.from_dataset(report).content


def evaluations(group, name: Code) -> list[str]:
    """Values of the coded statements of this name in a group."""
    return [each.value.value for each in group.get_qualitative_evaluations(name)]


def group_of(report: Dataset, tracking_identifier: str):
    """The measurement group with this tracking identifier."""
    content = content_of(report)
    groups = (
        *content.get_image_measurement_groups(),
        *content.get_volumetric_roi_measurement_groups(),
    )
    return next(each for each in groups if each.tracking_identifier == tracking_identifier)


def texts(item: Dataset) -> list[str]:
    """All sentences in the item and below it."""
    found = [item.TextValue] if "TextValue" in item else []
    for child in item.get("ContentSequence", []):
        found += texts(child)
    return found
