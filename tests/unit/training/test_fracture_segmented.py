"""Bodies of the fracture set as they are kept: what the networks found, and what is true there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.crops import BodyCrop, cut_body
from models.vertebra import Vertebra
from node.domain.errors import InputRejected
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import Volume
from training.cohort.manifest import Cohort
from training.fracture_set import segmented
from training.fracture_set.segmented import SegmentedBody, SegmentedScan, load_segmented, segment_set, true_level
from training.fracture_set.spec import Family, FractureScan
from training.phantom.spec import PhantomSpec
from training.true_heights import Heights

L1, L2 = VertebralLevel.L1, VertebralLevel.L2

SCAN = FractureScan(number=7, cohort=Cohort.TEST, family=Family.FIRST, spec=PhantomSpec(seed=1))
VOLUME = Volume(
    hu=np.random.default_rng(1).normal(0.0, 50.0, (40, 30, 30)).astype(np.float32),
    affine=Affine.from_spacing((2.0, 1.0, 1.0), (-15.0, -120.0, 333.0)),
    frame_of_reference=Uid("1.2.3"),
)


def crop_at(start: int, stop: int, level: VertebralLevel | None = L1) -> BodyCrop:
    """A body between two slices, by a mask that may be wrong."""
    window = (slice(start - 2, stop + 2), slice(5, 25), slice(6, 26))
    body = np.zeros(tuple(part.stop - part.start for part in window), dtype=np.bool_)
    body[2:-2, 3:17, 3:17] = True
    vertebra = Vertebra(
        level=level,
        ordinal=1,
        confidence=None,
        centroid_lps_mm=(0.0, 0.0, 0.0),
        up_lps=(0.0, 0.0, 1.0),
        segment_value=1,
        reasons=() if level is not None else (Reason(code=ReasonCode.LEVEL_UNCERTAIN),),
    )
    return cut_body(VOLUME, window, body, vertebra=vertebra)


def truth_of(*bodies: tuple[VertebralLevel, int, int]) -> np.ndarray:
    truth = np.zeros(VOLUME.shape, dtype=np.uint8)
    for level, start, stop in bodies:
        truth[start:stop, 8:22, 9:23] = level.number
    return truth


def test_a_body_has_the_level_that_is_true_where_its_mask_lies_whatever_its_name() -> None:
    truth = truth_of((L1, 20, 30), (L2, 6, 16))

    assert true_level(crop_at(19, 29, VertebralLevel.T12), VOLUME, truth) is L1
    assert true_level(crop_at(6, 16, None), VOLUME, truth) is L2


def test_a_mask_between_bodies_is_of_none() -> None:
    truth = truth_of((L1, 20, 30), (L2, 6, 16))

    assert true_level(crop_at(14, 23), VOLUME, truth) is None
    assert true_level(crop_at(32, 38), VOLUME, truth) is None


def test_an_empty_mask_is_of_none() -> None:
    crop = crop_at(20, 30)

    empty = replace(crop, body=np.zeros_like(crop.body))
    assert true_level(empty, VOLUME, truth_of((L1, 20, 30))) is None


def kept(monkeypatch: pytest.MonkeyPatch, work: Path, found: SegmentedScan) -> list[int]:
    """Keep a scan, with the networks' part told here; how often these were asked."""
    asked = []

    def answer(drawn: object, model: object) -> SegmentedScan:
        asked.append(1)
        return found

    monkeypatch.setattr(segmented, "drawn_ahead", list)
    monkeypatch.setattr(segmented, "segment_scan", answer)
    for _ in range(2):
        segment_set((SCAN,), work, model=None)  # type: ignore[arg-type]
    return asked


def test_bodies_come_back_as_they_were_and_are_segmented_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bodies = (
        SegmentedBody(
            crop=crop_at(20, 30), true_level=L1, true_heights=Heights(anterior=15.5, middle=20.25, posterior=26.0)
        ),
        SegmentedBody(crop=crop_at(6, 16, None), true_level=None),
    )

    asked = kept(monkeypatch, tmp_path / "work", SegmentedScan(scan=SCAN, bodies=bodies))

    found = load_segmented(SCAN, tmp_path / "work")
    assert len(asked) == 1
    assert found.refused is None
    assert [body.true_level for body in found.bodies] == [L1, None]
    assert [body.true_heights for body in found.bodies] == [bodies[0].true_heights, None]
    for before, after in zip(bodies, found.bodies, strict=True):
        np.testing.assert_array_equal(before.crop.hu, after.crop.hu)
        np.testing.assert_array_equal(before.crop.body, after.crop.body)
        assert before.crop.affine == after.crop.affine
        assert before.crop.vertebra == after.crop.vertebra


def test_every_scan_is_told_whether_it_was_there_or_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = replace(SCAN, number=8)
    kept(monkeypatch, tmp_path, SegmentedScan(scan=SCAN, bodies=()))
    monkeypatch.setattr(segmented, "segment_scan", lambda drawn, model: SegmentedScan(scan=other, bodies=()))
    told = []

    segment_set((SCAN, other), tmp_path, None, lambda: told.append(1))  # type: ignore[arg-type]

    assert len(told) == 2
    assert load_segmented(other, tmp_path).scan == other


def test_a_scan_without_a_spine_keeps_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reason = Reason(code=ReasonCode.NO_SPINE, detail="Nothing there.")

    kept(monkeypatch, tmp_path, SegmentedScan(scan=SCAN, bodies=(), refused=reason))

    found = load_segmented(SCAN, tmp_path)
    assert found.bodies == ()
    assert found.refused == reason


def test_a_scan_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="scan 7 is not segmented"):
        load_segmented(SCAN, tmp_path)


def test_a_record_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept(monkeypatch, tmp_path, SegmentedScan(scan=SCAN, bodies=()))
    (tmp_path / f"{SCAN.name}.json").write_text('{"levels": ["L1"], "refused": null}')

    with pytest.raises(InputRejected, match="scan 7 is not segmented"):
        load_segmented(SCAN, tmp_path)


def test_bodies_that_cannot_be_read_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept(monkeypatch, tmp_path, SegmentedScan(scan=SCAN, bodies=()))
    (tmp_path / f"{SCAN.name}.npz").write_bytes(b"half a file")

    with pytest.raises(InputRejected, match="scan 7 is not segmented"):
        load_segmented(SCAN, tmp_path)
