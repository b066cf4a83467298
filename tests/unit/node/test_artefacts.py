"""What stages leave for each other comes back as it was written."""

import datetime
from dataclasses import replace

import numpy as np

from node.artefacts import (
    AnalysedSeries,
    findings_from_bytes,
    findings_to_bytes,
    label_map_from_bytes,
    label_map_to_bytes,
)
from node.domain.confidence import LevelConfidence
from node.domain.contrast import ContrastPhase
from node.domain.finding import CtBoneFindings, Status, VertebraFinding
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.measurement import Measurement, NotMeasurable, Quantity, Unit
from node.domain.provenance import IntendedUse, ModelIdentity, Provenance
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import LabelMap, Segment
from tests.builders.results import assessed_findings, provenance
from tests.builders.tissues import tissues

NOON = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)


def test_findings_come_back_as_they_were_written():
    vertebra = VertebraFinding(
        level=VertebralLevel.L1,
        status=Status.ASSESSED,
        ordinal=7,
        level_confidence=LevelConfidence(value=0.9, calibrated=True),
        centroid_lps_mm=(1.0, -2.0, 3.5),
        segment_value=20,
        measurements=(
            Measurement(
                quantity=Quantity.CORE_MEAN_HU,
                value=141.25,
                unit=Unit.HOUNSFIELD,
                site=VertebralLevel.L1,
                method="core-1",
            ),
            NotMeasurable(
                quantity=Quantity.CORE_SD_HU,
                site=VertebralLevel.L1,
                reason=Reason(code=ReasonCode.ROI_TOO_SMALL, detail="12 voxels."),
            ),
        ),
    )
    analysed = AnalysedSeries(
        findings=CtBoneFindings(status=Status.ASSESSED, vertebrae=(vertebra,)),
        provenance=Provenance(
            models=(
                ModelIdentity(name="spine-ct", version="1", weights_sha256="a" * 64, intended_use=IntendedUse.RESEARCH),
            ),
            code_version="0.1.0",
            configuration_sha256="b" * 64,
            device="cpu",
            started_at=NOON,
            ended_at=NOON,
        ),
        input_digest="c" * 64,
    )

    assert findings_from_bytes(findings_to_bytes(analysed)) == analysed


def test_a_label_map_comes_back_voxel_for_voxel():
    labels = np.zeros((9, 8, 7), dtype=np.uint8)
    labels[2:5, 3:4, 1:6] = 20
    labels[8, 7, 6] = 21
    label_map = LabelMap(
        labels=labels,
        affine=Affine.from_spacing((2.5, 0.7, 0.8), (-10.0, 20.0, -300.0)),
        frame_of_reference=Uid("1.2.3"),
        segments=(Segment(value=20, level=VertebralLevel.L1), Segment(value=21, level=None, ordinal=3)),
    )

    back = label_map_from_bytes(label_map_to_bytes(label_map))

    assert np.array_equal(back.labels, labels)
    assert (back.affine, back.segments, back.frame_of_reference) == (label_map.affine, label_map.segments, "1.2.3")


def test_an_empty_label_map_comes_back_empty():
    label_map = LabelMap(
        labels=np.zeros((3, 4, 5), dtype=np.uint8),
        affine=Affine.from_spacing((1.0, 1.0, 1.0)),
        frame_of_reference=Uid("1.2.3"),
        segments=(),
    )

    assert not label_map_from_bytes(label_map_to_bytes(label_map)).labels.any()


def test_readings_of_tissues_and_the_phase_stay_with_the_findings():
    findings = replace(assessed_findings(), references=tissues(air=None), contrast=ContrastPhase.NATIVE)
    analysed = AnalysedSeries(findings=findings, provenance=provenance(), input_digest="d" * 64)

    assert findings_from_bytes(findings_to_bytes(analysed)) == analysed
