"""An evaluation says how far found bodies are from true ones, and what became of their names."""

import base64
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import SimpleITK

from models.spine import segment_spine
from models.vertebra import SpineSegmentation, Vertebra
from node.domain.confidence import LevelConfidence
from node.domain.errors import InputRejected
from node.domain.geometry import Affine
from node.domain.identifiers import Uid
from node.domain.levels import VertebralLevel
from node.domain.reasons import Reason, ReasonCode
from node.domain.volume import LabelMap, Segment, Volume
from tests.builders.spine_classes import Scene, build
from tests.builders.spine_network import painted_model, painted_volume
from training.evaluation.ahead import CaseSource, cases_ahead
from training.evaluation.case import Case, find_cases, load_case
from training.evaluation.run import evaluate_spine, true_spine
from training.evaluation.scores import CaseScore, Naming, dice, missed_case, score_case, surface_distance_mm
from training.evaluation.summary import reliability, summarise
from training.phantom import PhantomSpec, make_chest_ct
from training.phantom.study import write_phantom

L1, L2 = VertebralLevel.L1, VertebralLevel.L2
SPACING = (2.0, 1.0, 1.0)


def boxes(*starts: int) -> np.ndarray:
    """A label map with boxes of 10 x 20 x 30 voxels that start at these slices, valued L1, L2 and so on."""
    labels = np.zeros((60, 60, 60), dtype=np.uint8)
    for number, start in enumerate(starts):
        labels[start : start + 10, 20:40, 15:45] = L1.number + number
    return labels


def a_case(truth: np.ndarray) -> Case:
    hu = np.where(truth > 0, 150.0, 0.0).astype(np.float32)
    volume = Volume(hu=hu, affine=Affine.from_spacing(SPACING), frame_of_reference=Uid("1.2.3"))
    return Case(name="case", volume=volume, truth=truth, is_synthetic=False)


def found(labels: np.ndarray, names: dict[int, VertebralLevel | None]) -> SpineSegmentation:
    """What was found: a vertebra for each value, with the name it got."""
    vertebrae, segments = [], []
    for ordinal, (value, level) in enumerate(sorted(names.items()), start=1):
        reasons = () if level is not None else (Reason(code=ReasonCode.LEVEL_UNCERTAIN),)
        vertebrae.append(
            Vertebra(
                level=level,
                ordinal=ordinal,
                confidence=LevelConfidence(value=0.9, calibrated=True),
                likeliest=level,
                centroid_lps_mm=(0.0, 0.0, 0.0),
                up_lps=(0.0, 0.0, 1.0),
                segment_value=value,
                reasons=reasons,
            )
        )
        segments.append(Segment(value=value, level=level, ordinal=ordinal))
    label_map = LabelMap(
        labels=labels,
        affine=Affine.from_spacing(SPACING),
        frame_of_reference=Uid("1.2.3"),
        segments=tuple(segments),
    )
    return SpineSegmentation(label_map=label_map, vertebrae=tuple(vertebrae))


def test_dice_of_boxes_that_share_half_is_a_half():
    first, second = np.zeros((10, 4, 4), bool), np.zeros((10, 4, 4), bool)
    first[0:4], second[2:6] = True, True

    assert dice(first, second) == 0.5


def test_parallel_planes_are_their_distance_apart():
    first, second = np.zeros((20, 8, 8), bool), np.zeros((20, 8, 8), bool)
    first[5], second[8] = True, True

    assert surface_distance_mm(first, second, SPACING) == pytest.approx(6.0)


def test_a_mask_has_no_distance_from_nothing():
    assert surface_distance_mm(np.ones((3, 3, 3), bool), np.zeros((3, 3, 3), bool), SPACING) is None


def test_what_was_found_as_it_is_scores_fully():
    truth = boxes(10, 30)

    score = score_case(a_case(truth), found(truth, {20: L1, 21: L2}))

    assert [(body.dice, body.surface_mm, body.core_error_hu) for body in score.bodies] == [(1.0, 0.0, 0.0)] * 2
    assert score.is_named_right
    assert score.invented == 0


def test_a_body_that_is_found_two_slices_too_high_has_the_dice_of_its_overlap():
    score = score_case(a_case(boxes(10)), found(boxes(12), {20: L1}))

    assert score.bodies[0].dice == pytest.approx(0.8)


def test_names_that_are_shifted_by_one_are_wrong_and_their_masks_still_good():
    truth = boxes(10, 30)

    score = score_case(a_case(truth), found(truth, {20: L2, 21: VertebralLevel.L3}))

    assert [body.naming for body in score.bodies] == [Naming.WRONG, Naming.WRONG]
    assert [body.dice for body in score.bodies] == [1.0, 1.0]
    assert not score.is_named_right


def test_a_body_without_a_name_is_withheld_and_one_that_nothing_covers_is_missed():
    score = score_case(a_case(boxes(10, 30)), found(boxes(10), {20: None}))

    assert [body.naming for body in score.bodies] == [Naming.WITHHELD, Naming.MISSED]
    assert not score.is_named_right


def test_a_slice_of_a_cut_body_in_the_mask_of_its_neighbour_is_missed_and_the_name_of_that_is_right():
    truth = boxes(2)
    truth[0, 20:40, 15:45] = 19
    labels = np.where(truth == 19, 20, truth)
    labels[1, 20:40, 15:45] = 20

    score = score_case(a_case(truth), found(labels, {20: L1}))

    assert [(body.level, body.naming) for body in score.bodies] == [
        (VertebralLevel.T12, Naming.MISSED),
        (L1, Naming.RIGHT),
    ]
    assert score.is_named_right
    assert score.invented == 0


def test_of_two_bodies_that_were_taken_for_one_the_smaller_is_missed():
    truth = boxes(10, 30)
    truth[30:33] = 0
    labels = np.where(truth > 0, 20, 0).astype(np.uint8)

    score = score_case(a_case(truth), found(labels, {20: None}))

    assert [body.naming for body in score.bodies] == [Naming.WITHHELD, Naming.MISSED]


def test_a_found_body_beside_all_true_ones_is_invented():
    truth = boxes(10, 30)

    unnamed, named = (
        score_case(a_case(np.where(truth == 21, 0, truth)), found(truth, {20: L1, 21: name})) for name in (None, L2)
    )

    assert (unnamed.invented, unnamed.invented_names, unnamed.is_named_right) == (1, 0, True)
    assert (named.invented, named.invented_names, named.is_named_right) == (1, 1, False)
    assert summarise([named]).wrong == 1


def test_a_scan_in_which_only_an_invented_body_has_a_name_has_names_and_a_wrong_one():
    truth = boxes(10, 30)

    score = score_case(a_case(np.where(truth == 21, 0, truth)), found(truth, {20: None, 21: L2}))
    summary = summarise([score])

    assert (summary.named_scans, summary.right_scans, summary.wrong) == (1, 0, 1)
    assert summary.fully_named_scans == 0


def test_a_scan_is_fully_named_where_every_whole_body_has_a_name_and_a_wrong_name_of_a_cut_one_is_wrong():
    truth = boxes(0, 30)

    cut_unnamed = score_case(a_case(truth), found(truth, {20: None, 21: L2}))
    cut_wrong = score_case(a_case(truth), found(truth, {20: VertebralLevel.T11, 21: L2}))

    assert summarise([cut_unnamed]).fully_named_scans == 1
    assert (summarise([cut_wrong]).wrong, summarise([cut_wrong]).right_scans) == (1, 0)


def test_a_body_at_the_edge_of_the_scan_is_left_out_of_the_figures():
    truth = boxes(0, 30)

    summary = summarise([score_case(a_case(truth), found(boxes(30), {20: L2}))])

    assert summary.bodies == 1
    assert summary.dice == 1.0


def test_a_wrong_name_is_worse_than_a_bad_mask():
    truth = boxes(10, 30)
    wrong = score_case(a_case(truth), found(truth, {20: L2, 21: VertebralLevel.L3}))
    bad = score_case(a_case(truth), found(boxes(12, 34), {20: L1, 21: L2}))
    good = score_case(a_case(truth), found(truth, {20: L1, 21: L2}))

    assert bad.worst_dice < wrong.worst_dice
    assert sorted([good, bad, wrong], key=lambda score: score.goodness) == [wrong, bad, good]


def test_a_summary_counts_scans_by_their_worst_name():
    truth = boxes(10, 30)
    right = score_case(a_case(truth), found(truth, {20: L1, 21: L2}))
    wrong = score_case(a_case(truth), found(truth, {20: L2, 21: L1}))
    silent = score_case(a_case(truth), found(truth, {20: None, 21: None}))
    missed = missed_case(a_case(truth), "nothing there")

    summary = summarise([right, wrong, silent, missed])

    assert (summary.scans, summary.named_scans, summary.right_scans) == (4, 2, 1)
    assert (summary.wrong, summary.withheld, summary.missed) == (2, 2, 2)
    assert summary.identified == 2 / 8
    assert summary.dice == pytest.approx(6 / 8)


def test_reliability_is_the_share_of_right_levels_by_how_sure_they_were():
    truth = boxes(10, 30)
    score = score_case(a_case(truth), found(truth, {20: L1, 21: VertebralLevel.L4}))
    sure = replace(score, bodies=tuple(replace(body, confidence=1.0) for body in score.bodies))

    bins = reliability([score, sure])

    assert [(each.low, each.count, each.scans, each.confidence, each.right) for each in bins] == [
        (0.9, 2, 1, pytest.approx(0.9), 0.5),
        (0.99, 2, 1, 1.0, 0.5),
    ]


def test_an_invented_body_with_a_likeliest_level_is_a_level_that_is_wrong():
    truth = boxes(10, 30)
    score = score_case(a_case(np.where(truth == 21, 0, truth)), found(truth, {20: L1, 21: L2}))

    assert [(each.count, each.scans, each.right) for each in reliability([score, score])] == [(4, 2, 0.5)]


def write_nifti(values: np.ndarray, affine: Affine, path) -> None:
    image = SimpleITK.GetImageFromArray(values)
    image.SetSpacing(affine.spacing_mm[::-1])
    image.SetDirection(affine.directions[:, ::-1].ravel().tolist())
    image.SetOrigin(affine.matrix[:3, 3].tolist())
    SimpleITK.WriteImage(image, str(path))


@pytest.fixture(scope="module")
def case_folder(tmp_path_factory):
    """A painted spine as NIfTI, with what a perfect network finds in it for a truth."""
    folder = tmp_path_factory.mktemp("cases")
    volume = painted_volume(build(Scene()))
    spine = segment_spine(volume, painted_model())
    assert isinstance(spine, SpineSegmentation)
    truth = np.zeros(volume.shape, np.uint8)
    first = np.rint(volume.affine.to_index(spine.label_map.affine.matrix[:3, 3])).astype(int)
    size = spine.label_map.labels.shape
    truth[tuple(slice(start, start + count) for start, count in zip(first, size, strict=True))] = spine.label_map.labels
    (folder / "one").mkdir()
    write_nifti(volume.hu, volume.affine, folder / "one" / "ct.nii.gz")
    write_nifti(truth, volume.affine, folder / "one" / "mask.nii.gz")
    return folder


def test_a_case_comes_from_nifti_with_its_place(case_folder):
    case = load_case(find_cases(case_folder)[0])

    painted = painted_volume(build(Scene()))
    assert np.array_equal(case.volume.hu, painted.hu)
    assert np.allclose(case.volume.affine.matrix, painted.affine.matrix, atol=1e-3)
    assert VertebralLevel.L1 in case.levels


def test_a_mask_on_another_grid_is_refused(case_folder, tmp_path):
    case = load_case(case_folder / "one")
    (tmp_path / "two").mkdir()
    write_nifti(case.volume.hu, case.volume.affine, tmp_path / "two" / "ct.nii.gz")
    write_nifti(case.truth, case.volume.affine.shifted((1, 0, 0)), tmp_path / "two" / "mask.nii.gz")

    with pytest.raises(InputRejected, match="grid of its CT"):
        load_case(tmp_path / "two")


def test_a_segmentation_among_the_slices_of_a_ct_is_no_case_and_a_mask_in_a_folder_called_ct_is_one(tmp_path):
    for name in ("one/ct/mask.dcm", "two/ct/mask.nii.gz"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()

    assert find_cases(tmp_path) == (tmp_path / "two" / "ct",)


def test_a_folder_without_cases_says_what_one_is(tmp_path):
    with pytest.raises(InputRejected, match="VerSe numbers"):
        find_cases(tmp_path)


def test_an_evaluation_leaves_a_page_with_pictures_and_the_figures(case_folder, tmp_path):
    done = []

    sources = [CaseSource(key=each.name, draw=partial(load_case, each)) for each in find_cases(case_folder)]
    summary = evaluate_spine(sources, painted_model(), tmp_path, watch=lambda *counts: done.append(counts))

    assert summary.dice == 1.0
    assert summary.wrong == summary.missed == 0
    assert done == [(0, 2), (1, 2), (2, 2)]
    tables = (tmp_path / "summary.md").read_text()
    page = (tmp_path / "report.html").read_text()
    assert "| all | 1 | 11 | 1.000 |" in tables
    assert "| T12 | 1 | 1.000 |" in tables
    assert "research" in page
    assert "Trained on: none" in page
    assert page.count("<img") == 3
    curve = base64.b64encode((tmp_path / "reliability.png").read_bytes()).decode()
    assert curve in page
    told = json.loads((tmp_path / "scores.json").read_text())
    assert told["summary"]["scans"] == 1
    assert list(told["groups"]) == ["slices of 1.5 to 3 mm"]
    assert {body["naming"] for body in told["cases"][0]["bodies"]} == {"right"}
    assert told["cases"][0]["groups"] == ["slices of 1.5 to 3 mm"]


def test_an_evaluation_that_was_stopped_goes_on_with_the_case_that_stopped_it(case_folder, tmp_path):
    one = CaseSource(key="one", draw=partial(load_case, case_folder / "one"))
    two = replace(one, key="two")
    with pytest.raises(InputRejected, match="cannot be read"):
        evaluate_spine((one, replace(two, draw=no_case)), painted_model(), tmp_path, watch=unwatched)
    cut = (tmp_path / "under-way.jsonl").open("ab")
    cut.write(b'["two", {"name": "of a writer that was kil')
    cut.close()
    done = []

    summary = evaluate_spine((one, two), painted_model(), tmp_path, watch=lambda *counts: done.append(counts))

    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert summary.scans == 2
    assert summary.dice == 1.0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "reliability.png",
        "report.html",
        "scores.json",
        "summary.md",
    ]


def test_scores_of_names_that_must_be_surer_do_not_go_on_with_others(case_folder, tmp_path):
    one = CaseSource(key="one", draw=partial(load_case, case_folder / "one"))
    with pytest.raises(InputRejected, match="cannot be read"):
        evaluate_spine((one, CaseSource(key="two", draw=no_case)), painted_model(), tmp_path, watch=unwatched)
    surer = painted_model()
    surer = replace(surer, levels=replace(surer.levels, asked=0.999))

    with pytest.raises(InputRejected, match="more or less sure"):
        evaluate_spine((one,), surer, tmp_path, watch=unwatched)


def test_the_truth_is_drawn_as_what_was_found_is():
    spine = true_spine(a_case(boxes(10, 30)))

    assert [vertebra.level for vertebra in spine.vertebrae] == [L1, L2]
    assert isinstance(score_case(a_case(boxes(10, 30)), spine), CaseScore)


def test_a_phantom_is_a_case(tmp_path):
    levels = (VertebralLevel.T11, VertebralLevel.L2)
    made = make_chest_ct(PhantomSpec(seed=3, slice_mm=5.0, size=96, first=levels[0], last=levels[1]))
    write_phantom(made, tmp_path / "phantom")

    case = load_case(find_cases(tmp_path)[0])

    assert np.array_equal(case.truth, made.labels.labels)
    assert set(levels) <= set(case.levels)


def a_numbered_case(number: int) -> Case:
    return replace(a_case(boxes(10)), name=str(number))


def no_case() -> Case:
    raise InputRejected("this case cannot be read")


def unwatched(done: int, of: int) -> None:
    """Watches nothing."""


def test_cases_come_in_their_order_and_a_failure_comes_out():
    sources = [CaseSource(key=str(number), draw=partial(a_numbered_case, number)) for number in range(5)]

    assert [case.name for case in cases_ahead(sources)] == ["0", "1", "2", "3", "4"]
    with pytest.raises(InputRejected, match="cannot be read"):
        list(cases_ahead([sources[0], CaseSource(key="5", draw=no_case)]))
    assert list(cases_ahead([])) == []
