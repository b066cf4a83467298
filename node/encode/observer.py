"""The node as the observer that a document names (TID 1002, 1004)."""

from __future__ import annotations

from highdicom import sr

from node.domain.mark import MANUFACTURER, MODEL_NAME
from node.encode.concepts import DEVICE
from node.encode.uids import derived_uid


def device_observer(station: str) -> sr.ObserverContext:
    """The device observer; its UID follows from the AE title, so that it is the same in all documents of a node."""
    attributes = sr.DeviceObserverIdentifyingAttributes(
        uid=derived_uid("device", station),
        name=station,
        manufacturer_name=MANUFACTURER,
        model_name=MODEL_NAME,
        serial_number=station,
    )
    return sr.ObserverContext(observer_type=DEVICE.code, observer_identifying_attributes=attributes)
