"""A model is used in the clinic only under a release that is signed, trusted, and for these very weights."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from models.bundle import BODY_CT, METADATA, RIBS_CT, SPINE_CT, WEIGHTS, load_bundle, load_card
from models.choice import load_spine_model
from models.levels.file import LEVELS
from models.release import RELEASE, check_release, read_public_keys
from models.screening.bundle import load_bundle as load_screening_bundle
from models.screening.bundle import load_card as load_screening_card
from node.domain.errors import ConfigurationError, InputRejected
from node.domain.levels import VertebralLevel
from node.domain.networks import SpineChoice
from node.domain.provenance import IntendedUse
from tests.builders.judged import judged_scans, write_evaluation
from tests.builders.screening import write_untrained
from tests.builders.spine_classes import Scene, build
from tests.builders.spine_network import painted_model, painted_volume
from training.cli import app
from training.evaluation.ahead import CaseSource
from training.evaluation.case import Case
from training.evaluation.run import evaluate_spine
from training.screening_report.judged import Judged
from training.sign_release import sign_release

CPU = torch.device("cpu")
DAY = datetime.date(2026, 3, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A bundle that is not the project's own, its evaluation, and the site's key."""

    bundle: Path
    evaluation: Path
    key: Ed25519PrivateKey

    @property
    def trusted(self) -> tuple[Ed25519PublicKey, ...]:
        """What its configuration trusts."""
        return (self.key.public_key(),)

    def sign(self) -> None:
        """Release the bundle."""
        sign_release(self.bundle, self.evaluation, person="Dr A. Physicist", date=DAY, key=self.key)

    def load(self) -> IntendedUse:
        """What the bundle may be used for."""
        return load_bundle(self.bundle, CPU, trusted=self.trusted).card.intended_use

    def change(self, file: Path, **changes: object) -> None:
        """Change keys of a JSON file of the bundle, of what is signed where it is the release."""
        path = self.bundle / file
        content = json.loads(path.read_text())
        (content["release"] if file == RELEASE else content).update(changes)
        path.write_text(json.dumps(content))


def trained_by_the_site(shipped: Path, bundle: Path) -> Path:
    """A bundle of the form of a shipped one with other weights, and with the level model of the shipped one, if any."""
    shutil.copytree(shipped, bundle)
    before = load_card(bundle).weights_sha256
    weights = {name: tensor * 0.5 for name, tensor in load_file(bundle / WEIGHTS).items()}
    save_file(weights, bundle / WEIGHTS)
    after = hashlib.sha256((bundle / WEIGHTS).read_bytes()).hexdigest()
    for path in (bundle / "configs").iterdir():
        path.write_text(path.read_text().replace(before, after))
    return bundle


def evaluation_of(bundle: Path, file: Path) -> Path:
    """What `evaluate spine` leaves of a patient, as far as it is looked at."""
    judged = [load_card(bundle).weights_sha256]
    if (bundle / LEVELS).exists():
        judged.append(hashlib.sha256((bundle / LEVELS).read_bytes()).hexdigest())
    models = [{"weights_sha256": each} for each in judged]
    file.write_text(json.dumps({"models": models, "synthetic_scans": 0, "cases": [{}]}))
    return file


@pytest.fixture
def site(tmp_path: Path) -> Site:
    bundle = trained_by_the_site(BODY_CT, tmp_path / "bundle")
    return Site(
        bundle=bundle,
        evaluation=evaluation_of(bundle, tmp_path / "report.json"),
        key=Ed25519PrivateKey.generate(),
    )


def write_public(key: ec.EllipticCurvePublicKey | Ed25519PublicKey, path: Path) -> Path:
    path.write_bytes(key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return path


def write_private(key: Ed25519PrivateKey, path: Path, *, passphrase: str = "") -> Path:
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        protection = serialization.BestAvailableEncryption(passphrase.encode())
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection))
    return path


def test_a_signed_model_is_for_clinical_use_where_its_key_is_trusted(site: Site) -> None:
    site.sign()

    assert site.load() is IntendedUse.CLINICAL


def test_the_release_says_who_when_and_on_which_evaluation(site: Site) -> None:
    site.sign()

    release = check_release(site.bundle, load_card(site.bundle).identity, site.trusted)

    assert (release.person, release.date) == ("Dr A. Physicist", DAY)
    assert release.evaluation_sha256 == hashlib.sha256(site.evaluation.read_bytes()).hexdigest()
    assert release.weights_sha256 == hashlib.sha256((site.bundle / WEIGHTS).read_bytes()).hexdigest()


def test_nothing_but_the_use_changes_in_the_card(site: Site) -> None:
    before = load_card(site.bundle)

    site.sign()

    assert load_card(site.bundle) == replace(before, intended_use=IntendedUse.CLINICAL)


def test_a_model_for_research_needs_no_release_and_no_key(site: Site) -> None:
    assert load_bundle(site.bundle, CPU).card.intended_use is IntendedUse.RESEARCH


def test_a_claim_of_clinical_use_without_a_release_is_refused(site: Site) -> None:
    site.change(METADATA, intended_use="clinical")

    with pytest.raises(ConfigurationError, match=r"release\.json is not there"):
        site.load()


@pytest.mark.parametrize(
    "forged",
    [
        {"date": "2026-03-03"},
        {"person": "Dr B. Somebody"},
        {"evaluation_sha256": "0" * 64},
    ],
    ids=lambda forged: str(next(iter(forged))),
)
def test_a_release_that_was_changed_after_it_was_signed_is_refused(site: Site, forged: dict[str, str]) -> None:
    site.sign()
    site.change(RELEASE, **forged)

    with pytest.raises(ConfigurationError, match="changed after it was signed"):
        site.load()


def test_a_key_that_the_site_does_not_trust_is_refused(site: Site) -> None:
    site.sign()

    for trusted in ((), (Ed25519PrivateKey.generate().public_key(),)):
        with pytest.raises(ConfigurationError, match=r"workers\.release_keys"):
            load_bundle(site.bundle, CPU, trusted=trusted)


def test_a_stranger_who_signs_in_the_name_of_a_trusted_key_is_refused(site: Site) -> None:
    stranger = replace(site, key=Ed25519PrivateKey.generate())
    site.sign()
    trusted = json.loads((site.bundle / RELEASE).read_text())["public_key"]
    stranger.sign()
    content = json.loads((site.bundle / RELEASE).read_text()) | {"public_key": trusted}
    (site.bundle / RELEASE).write_text(json.dumps(content))

    with pytest.raises(ConfigurationError, match="changed after it was signed"):
        site.load()


def test_the_release_of_other_weights_is_refused(site: Site, tmp_path: Path) -> None:
    other = replace(site, bundle=tmp_path / "other", evaluation=tmp_path / "other.json")
    trained_by_the_site(SPINE_CT, other.bundle)
    evaluation_of(other.bundle, other.evaluation)
    other.sign()
    site.sign()
    shutil.copy(other.bundle / RELEASE, site.bundle / RELEASE)

    with pytest.raises(ConfigurationError, match="must be for its weights"):
        site.load()


def test_a_card_with_another_threshold_than_the_signed_one_is_refused(site: Site) -> None:
    site.sign()
    (threshold,) = json.loads((site.bundle / METADATA).read_text())["thresholds"]
    site.change(METADATA, thresholds=[threshold | {"value": 0.11}])

    with pytest.raises(ConfigurationError, match=r"configs/metadata\.json was changed"):
        site.load()


def test_a_file_that_came_later_into_the_bundle_is_refused(site: Site) -> None:
    site.sign()
    (site.bundle / LEVELS).write_text("{}")

    with pytest.raises(ConfigurationError, match=r"configs/levels\.json was changed, added or removed"):
        site.load()


@pytest.mark.parametrize("content", ["", "{}", '{"release": 1, "public_key": "", "signature": ""}'])
def test_a_file_that_is_no_release_is_refused(site: Site, content: str) -> None:
    site.sign()
    (site.bundle / RELEASE).write_text(content)

    with pytest.raises(ConfigurationError, match="is no release"):
        site.load()


OTHERS = {"models": [{"weights_sha256": "0" * 64}], "synthetic_scans": 0, "cases": [{}]}


@pytest.mark.parametrize("report", [OTHERS, {}, []], ids=["other weights", "none named", "list"])
def test_the_evaluation_of_anything_else_releases_nothing(site: Site, report: object) -> None:
    site.evaluation.write_text(json.dumps(report))

    with pytest.raises(InputRejected, match="must be"):
        site.sign()

    assert site.load() is IntendedUse.RESEARCH
    assert not (site.bundle / RELEASE).exists()


def test_an_evaluation_on_synthetic_scans_releases_nothing(site: Site) -> None:
    report = json.loads(site.evaluation.read_text())
    site.evaluation.write_text(json.dumps(report | {"synthetic_scans": 3}))

    with pytest.raises(InputRejected, match="'synthetic_scans' must be 0, got 3; evaluate the bundle on"):
        site.sign()

    assert site.load() is IntendedUse.RESEARCH


def a_case(*, is_synthetic: bool) -> Case:
    """A painted spine, of which one body is true."""
    volume = painted_volume(build(Scene()))
    truth = np.zeros(volume.shape, np.uint8)
    truth[20:24, 20:24, 20:24] = VertebralLevel.L1.number
    return Case(name="one", volume=volume, truth=truth, is_synthetic=is_synthetic)


@pytest.mark.parametrize("is_synthetic", [False, True])
def test_a_network_of_the_spine_is_signed_by_what_evaluate_spine_leaves_of_patients(
    tmp_path: Path, *, is_synthetic: bool
) -> None:
    ribs = trained_by_the_site(RIBS_CT, tmp_path / "ribs")
    networks = replace(painted_model(), ribs=load_bundle(ribs, CPU))
    source = CaseSource(key="one", draw=partial(a_case, is_synthetic=is_synthetic))
    evaluate_spine([source], networks, tmp_path / "report", watch=lambda done, of: None)
    site = Site(bundle=ribs, evaluation=tmp_path / "report/scores.json", key=Ed25519PrivateKey.generate())

    if is_synthetic:
        with pytest.raises(InputRejected, match="'synthetic_scans' must be 0, got 1"):
            site.sign()
    else:
        site.sign()

    assert site.load() is (IntendedUse.RESEARCH if is_synthetic else IntendedUse.CLINICAL)


@pytest.mark.parametrize("drawn", [None, False, "0"])
def test_an_evaluation_of_the_spine_that_does_not_count_what_was_drawn_releases_nothing(
    site: Site, drawn: object
) -> None:
    report = json.loads(site.evaluation.read_text())
    site.evaluation.write_text(json.dumps(report | {"synthetic_scans": drawn}))

    with pytest.raises(InputRejected, match="'synthetic_scans' must be 0, got"):
        site.sign()


def test_the_card_of_a_network_is_no_evaluation_of_it(site: Site) -> None:
    with pytest.raises(InputRejected, match=r"must be the scores\.json of evaluate spine"):
        replace(site, evaluation=site.bundle / METADATA).sign()


def test_an_evaluation_without_scans_releases_nothing(site: Site) -> None:
    report = json.loads(site.evaluation.read_text())
    site.evaluation.write_text(json.dumps(report | {"cases": []}))

    with pytest.raises(InputRejected, match=r"must be the scores\.json of evaluate spine"):
        site.sign()


def test_a_level_model_that_was_made_after_the_evaluation_is_not_signed(site: Site, tmp_path: Path) -> None:
    spine = replace(site, bundle=tmp_path / "spine", evaluation=tmp_path / "spine.json")
    trained_by_the_site(SPINE_CT, spine.bundle)
    evaluation_of(spine.bundle, spine.evaluation)
    levels = spine.bundle / LEVELS
    levels.write_text(levels.read_text() + "\n")

    with pytest.raises(InputRejected, match="must be the evaluation of these very weights"):
        spine.sign()


@pytest.fixture
def classifier(tmp_path: Path) -> Site:
    """A classifier of bone density; its evaluation is still to be written."""
    write_untrained(tmp_path / "classifier")
    return Site(
        bundle=tmp_path / "classifier", evaluation=tmp_path / "evaluation.json", key=Ed25519PrivateKey.generate()
    )


def judge(classifier: Site, judged: Sequence[Judged]) -> None:
    write_evaluation(load_screening_card(classifier.bundle), judged, classifier.evaluation)


def test_a_classifier_is_released_by_areas_of_all_categories(classifier: Site) -> None:
    judge(classifier, judged_scans(12))

    classifier.sign()

    card = load_screening_bundle(classifier.bundle, CPU, trusted=classifier.trusted).card
    assert card.intended_use is IntendedUse.CLINICAL


def test_a_classifier_that_was_judged_on_too_few_of_a_category_is_not_released(classifier: Site) -> None:
    judge(classifier, [each for place, each in enumerate(judged_scans(12)) if place >= 5])

    with pytest.raises(InputRejected, match="every category of both models") as refused:
        classifier.sign()

    for model in ("model 1 (L1 and L2)", "model 2 (L1)"):
        assert f"{model}, normal: too few patients with positive cases: 7, at least 10 are needed" in str(refused.value)
    assert load_screening_card(classifier.bundle).intended_use is IntendedUse.RESEARCH


def test_a_classifier_that_was_judged_on_drawn_scans_is_not_released(classifier: Site) -> None:
    judge(classifier, [replace(each, scan=replace(each.scan, synthetic=True)) for each in judged_scans(12)])

    with pytest.raises(InputRejected, match="must be 0, got 36"):
        classifier.sign()


def test_a_classifier_needs_the_evaluation_of_its_own_kind(classifier: Site) -> None:
    weights = load_screening_card(classifier.bundle).weights_sha256
    classifier.evaluation.write_text(json.dumps({"weights_sha256": weights, "macro_auc": 0.9}))

    with pytest.raises(InputRejected, match="is no evaluation"):
        classifier.sign()


def test_weights_that_are_not_those_of_the_card_are_not_signed(site: Site) -> None:
    with (site.bundle / WEIGHTS).open("ab") as file:
        file.write(b"\0")

    with pytest.raises(ConfigurationError, match="install the bundle anew"):
        site.sign()


def test_nobody_signs_for_nobody(site: Site) -> None:
    with pytest.raises(ConfigurationError, match="name the person"):
        sign_release(site.bundle, site.evaluation, person=" ", date=DAY, key=site.key)

    assert site.load() is IntendedUse.RESEARCH


def test_the_weights_that_come_with_the_project_are_not_released(site: Site, tmp_path: Path) -> None:
    copied = replace(site, bundle=tmp_path / "copied", evaluation=tmp_path / "copied.json")
    shutil.copytree(BODY_CT, copied.bundle)
    evaluation_of(copied.bundle, copied.evaluation)

    with pytest.raises(ConfigurationError, match="for research"):
        copied.sign()


def test_a_level_model_is_released_with_its_network(site: Site, tmp_path: Path) -> None:
    spine = replace(site, bundle=tmp_path / "spine", evaluation=tmp_path / "spine.json")
    trained_by_the_site(SPINE_CT, spine.bundle)
    ribs = replace(site, bundle=tmp_path / "ribs", evaluation=tmp_path / "ribs.json")
    trained_by_the_site(RIBS_CT, ribs.bundle)
    levels = spine.bundle / LEVELS
    shipped, own = (load_card(bundle).weights_sha256 for bundle in (RIBS_CT, ribs.bundle))
    levels.write_text(levels.read_text().replace(shipped, own))
    for each in (spine, ribs, site):
        evaluation_of(each.bundle, each.evaluation)
        each.sign()
    keys = (write_public(site.key.public_key(), tmp_path / "release.pub"),)

    choice = SpineChoice(bundle=spine.bundle, body_bundle=site.bundle, ribs_bundle=ribs.bundle, release_keys=keys)
    model = load_spine_model(CPU, choice)

    assert {each.intended_use for each in model.identities} == {IntendedUse.CLINICAL}


def test_a_file_that_holds_no_such_public_key_is_named(tmp_path: Path) -> None:
    other = write_public(ec.generate_private_key(ec.SECP256R1()).public_key(), tmp_path / "other.pub")
    (tmp_path / "empty.pub").write_text("")

    for file, message in ((other, "Ed25519"), (tmp_path / "empty.pub", "PEM"), (tmp_path / "none.pub", "cannot be")):
        with pytest.raises(ConfigurationError, match=message) as refused:
            read_public_keys([file])
        assert file.name in str(refused.value)


@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_the_command_signs_with_the_key_of_a_file(site: Site, tmp_path: Path, passphrase: str) -> None:
    key = write_private(site.key, tmp_path / "release.key", passphrase=passphrase)
    options = ["--evaluation", str(site.evaluation), "--person", "Dr A. Physicist", "--key", str(key)]

    done = CliRunner().invoke(app, ["sign-release", str(site.bundle), *options], input=passphrase + "\n")

    assert done.exit_code == 0, done.output
    assert "released for clinical use by Dr A. Physicist" in done.output
    assert site.load() is IntendedUse.CLINICAL


def test_a_key_that_is_not_there_is_named_with_how_to_make_one(site: Site, tmp_path: Path) -> None:
    options = ["--evaluation", str(site.evaluation), "--person", "Dr A. Physicist", "--key", str(tmp_path / "no.key")]

    done = CliRunner().invoke(app, ["sign-release", str(site.bundle), *options])

    assert isinstance(done.exception, ConfigurationError)
    assert "openssl genpkey" in str(done.exception)
