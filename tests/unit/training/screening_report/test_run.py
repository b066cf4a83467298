"""Judging and releasing weights: only on scans that they have not learned from, and only those that were judged."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.bundle import WEIGHTS
from models.screening.bundle import load_bundle, load_card, save_card
from models.screening.card import ScreeningCard
from node.domain.errors import ConfigurationError, InputRejected
from node.domain.provenance import IntendedUse
from tests.builders.judged import judged_scans
from tests.builders.manifests import write_case
from tests.builders.screening import a_card, write_untrained
from training.cohort.manifest import Cohort
from training.cohort.rows import ManifestRejected
from training.screening_fit.fit import Watch
from training.screening_report.evaluation import evaluate, load_evaluation, save_evaluation
from training.screening_report.page import write_page
from training.screening_report.release import README, release_screening
from training.screening_report.run import FIGURES, NO_SPLIT, REPORT, EvaluationPlan, evaluate_screening

SPLIT = "patient,cohort\nann,training\nbob,test\ncid,test\n"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    card = write_untrained(folder)
    save_card(folder, replace(card, split_sha256=hashlib.sha256(SPLIT.encode()).hexdigest()))
    return folder


@pytest.fixture
def plan(weights: Path, tmp_path: Path) -> EvaluationPlan:
    """Three patients, of whom the first was learned from."""
    shutil.copytree(weights, tmp_path / "fit/bundle")
    (tmp_path / "fit/split.csv").write_text(SPLIT)
    for name, density in (("a", 60.0), ("b", 90.0), ("c", 150.0)):
        write_case(tmp_path / f"{name}.npz", density)
    manifest = tmp_path / "data.csv"
    manifest.write_text("image,patient,site,qct_mg_cm3\na.npz,ann,x,60\nb.npz,bob,x,90\nc.npz,cid,x,150\n")
    return EvaluationPlan(
        manifest=manifest,
        bundle=tmp_path / "fit/bundle",
        out=tmp_path / "report",
        work=tmp_path / "work",
        device=torch.device("cpu"),
    )


def test_a_report_is_of_the_test_cohort_and_says_too_few_where_that_is_small(plan: EvaluationPlan) -> None:
    evaluation = evaluate_screening(plan, Watch())

    assert (evaluation.overall.scans, evaluation.overall.patients) == (2, 2)
    assert evaluation.weights_sha256 == load_card(plan.bundle).weights_sha256
    assert load_evaluation(plan.out / FIGURES)[0] == evaluation
    page = (plan.out / REPORT).read_text()
    assert "too few" in page
    assert page.count("no scans with osteoporosis") >= 6
    assert "scores" in page
    assert "nothing here is a claim of clinical accuracy" in page


def test_a_split_that_is_not_the_one_of_the_fit_is_refused(plan: EvaluationPlan) -> None:
    (plan.bundle.parent / "split.csv").write_text(SPLIT.replace("ann,training", "ann,test"))

    with pytest.raises(InputRejected, match="not the split"):
        evaluate_screening(plan, Watch())


def test_a_manifest_that_puts_a_learned_patient_into_the_test_is_refused(plan: EvaluationPlan) -> None:
    plan.manifest.write_text("image,patient,site,qct_mg_cm3,cohort\na.npz,ann,x,60,test\nb.npz,bob,x,90,test\n")

    with pytest.raises(ManifestRejected, match="row 2, column cohort: is test, but patient ann was in training"):
        evaluate_screening(plan, Watch())


def test_a_patient_whom_nobody_has_placed_is_refused(plan: EvaluationPlan) -> None:
    plan.manifest.write_text("image,patient,site,qct_mg_cm3\na.npz,dan,x,60\n")

    with pytest.raises(ManifestRejected, match="in no cohort"):
        evaluate_screening(plan, Watch())


def test_the_test_cohort_needs_the_split_and_an_external_one_does_not(plan: EvaluationPlan) -> None:
    (plan.bundle.parent / "split.csv").unlink()
    with pytest.raises(InputRejected, match=r"give its split\.csv"):
        evaluate_screening(plan, Watch())
    plan.manifest.write_text("image,patient,site,qct_mg_cm3,cohort\na.npz,eve,y,60,external\n")

    evaluation = evaluate_screening(replace(plan, cohort=Cohort.EXTERNAL), Watch())

    assert NO_SPLIT in evaluation.limitations


def test_no_model_is_judged_on_what_it_learned_from(plan: EvaluationPlan) -> None:
    with pytest.raises(InputRejected, match="not on training"):
        replace(plan, cohort=Cohort.TRAINING)


def test_an_empty_cohort_is_refused(plan: EvaluationPlan) -> None:
    with pytest.raises(InputRejected, match="no scan of the cohort prospective"):
        evaluate_screening(replace(plan, cohort=Cohort.PROSPECTIVE), Watch())


def an_evaluation(folder: Path, card: ScreeningCard, scans: int) -> Path:
    figures = evaluate(judged_scans(scans), [], card=card, cohort=Cohort.TEST, manifest_sha256="2" * 64, limitations=())
    save_evaluation(figures, folder / FIGURES)
    return folder / FIGURES


def test_a_release_carries_its_figures_and_the_hash_of_its_evaluation(weights: Path, tmp_path: Path) -> None:
    evaluation = an_evaluation(tmp_path, load_card(weights), 12)

    card = release_screening(weights, evaluation, tmp_path / "released")

    assert card.evaluation_sha256 == hashlib.sha256(evaluation.read_bytes()).hexdigest()
    assert card.intended_use is IntendedUse.RESEARCH
    assert {metric.name: metric.value for metric in card.metrics}["classifier-l1-l2 AUC mean"] == 1.0
    assert load_bundle(tmp_path / "released", torch.device("cpu")).card == card
    assert (tmp_path / "released" / WEIGHTS).read_bytes() == (weights / WEIGHTS).read_bytes()
    assert "no claim of clinical accuracy" in (tmp_path / "released" / README).read_text()


def test_a_release_without_an_evaluation_is_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="is no evaluation"):
        release_screening(weights, tmp_path / "nothing.json", tmp_path / "released")
    assert not (tmp_path / "released").exists()


def test_a_release_with_the_evaluation_of_other_weights_is_refused(weights: Path, tmp_path: Path) -> None:
    evaluation = an_evaluation(tmp_path, a_card(), 12)

    with pytest.raises(InputRejected, match="evaluate them"):
        release_screening(weights, evaluation, tmp_path / "released")
    assert not (tmp_path / "released").exists()


def test_a_release_of_weights_that_were_changed_is_refused(weights: Path, tmp_path: Path) -> None:
    evaluation = an_evaluation(tmp_path, load_card(weights), 12)
    shutil.copytree(weights, tmp_path / "changed")
    content = bytearray((tmp_path / "changed" / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (tmp_path / "changed" / WEIGHTS).write_bytes(content)

    with pytest.raises(ConfigurationError, match="SHA-256"):
        release_screening(tmp_path / "changed", evaluation, tmp_path / "released")


def test_an_evaluation_whose_figures_are_no_numbers_is_refused(weights: Path, tmp_path: Path) -> None:
    path = an_evaluation(tmp_path, load_card(weights), 12)
    content = json.loads(path.read_text())
    content["overall"]["scans"] = "many"
    path.write_text(json.dumps(content))

    with pytest.raises(InputRejected, match="is no evaluation"):
        load_evaluation(path)


def test_an_evaluation_of_an_older_version_is_to_be_made_again(weights: Path, tmp_path: Path) -> None:
    path = an_evaluation(tmp_path, load_card(weights), 12)
    path.write_text(json.dumps({"schema": "1", "weights_sha256": load_card(weights).weights_sha256}))

    with pytest.raises(InputRejected, match="must be an evaluation of version 2, got version 1: evaluate the weights"):
        load_evaluation(path)


def test_page_and_card_tell_what_a_plain_ct_number_comes_to(weights: Path, tmp_path: Path) -> None:
    judged = judged_scans(24, wrong=(3, 20, 33))
    figures = evaluate(
        judged, [], card=load_card(weights), cohort=Cohort.TEST, manifest_sha256="2" * 64, limitations=()
    )
    save_evaluation(figures, tmp_path / FIGURES)

    release_screening(weights, tmp_path / FIGURES, tmp_path / "released")

    for told in (write_page(figures, judged), (tmp_path / "released" / README).read_text()):
        # of all scans by category, and in the mean by part of them
        assert told.count("model 1 less CT number of L1 and L2") >= 2
        assert "chosen with the truth at hand" in told
        assert "Brier score of always telling the shares of the categories" in told


def test_a_page_has_its_pictures_inside_and_names_no_patient(weights: Path) -> None:
    judged = judged_scans(24, wrong=(3, 20, 33))
    figures = evaluate(
        judged, [], card=load_card(weights), cohort=Cohort.TEST, manifest_sha256="2" * 64, limitations=()
    )

    page = write_page(figures, judged)

    # five of all scans, and how far probabilities can be trusted in each part that is large enough for a curve
    curves = [group for group in figures.groups if any(model.categories[0].reliability for model in group.models)]
    assert curves
    assert page.count("data:image/png;base64,") == 5 + len(curves)
    assert 'alt="reliability curves, site: north"' in page
    assert "http" not in page
    assert not any(f">{each.scan.patient}<" in page for each in judged)
    assert "AUC, osteoporosis" in page
    assert "<summary>site: north</summary>" in page


def test_synthetic_scans_and_several_of_a_patient_are_told_on_the_page(weights: Path) -> None:
    judged = tuple(
        replace(each, scan=replace(each.scan, scanner="Drawn", synthetic=True, patient=f"p{place // 2}"))
        for place, each in enumerate(judged_scans(12))
    )

    figures = evaluate(
        judged, [], card=load_card(weights), cohort=Cohort.TEST, manifest_sha256="2" * 64, limitations=()
    )

    page = write_page(figures, judged)
    assert figures.synthetic_scans == 36
    assert "36 of 36 scans are synthetic" in page
    assert "36 scans are of 18 patients" in page
    assert "scanner: Drawn" in page
    assert "drawn density (synthetic), mg/cm3" in page
    assert "quantitative CT" not in page


def test_scans_of_people_are_not_called_synthetic(weights: Path) -> None:
    figures = evaluate(
        judged_scans(12), [], card=load_card(weights), cohort=Cohort.TEST, manifest_sha256="2" * 64, limitations=()
    )

    assert figures.limitations == ()
    assert figures.synthetic_scans == 0
