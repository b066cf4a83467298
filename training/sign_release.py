"""`osteonode-train sign-release`: put a site's signature under the clinical use of a model that it has evaluated."""

from __future__ import annotations

import datetime
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.domain.errors import ConfigurationError, InputRejected
from node.domain.provenance import IntendedUse

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from models.release import Release

#: What an evaluation report calls the weights that it judged, and the number of its scans that show nobody; that of the
#: spine has several models and lists its scans.
_JUDGED, _SYNTHETIC, _MODELS, _SCANS = "weights_sha256", "synthetic_scans", "models", "cases"
_USE = "intended_use"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("sign-release")(sign_release_command)


def sign_release_command(
    bundle: Annotated[Path, typer.Argument(help="Folder of the model.", exists=True, file_okay=False)],
    evaluation: Annotated[
        Path, typer.Option(help="Report of its evaluation, JSON, with the SHA-256 of its weights.", exists=True)
    ],
    person: Annotated[str, typer.Option(help="Who releases it.")],
    key: Annotated[Path, typer.Option(help="Ed25519 private key of the site, PEM.")] = Path("release.key"),
) -> None:
    """Release a model for clinical use: sign its evaluation, weights and card, and mark the card as clinical."""
    from models.release import RELEASE, fingerprint

    signer = _private_key(key)
    today = datetime.datetime.now().astimezone().date()
    release = sign_release(bundle, evaluation, person=person, date=today, key=signer)
    typer.echo(
        f"{release.name} {release.version} is released for clinical use by {release.person} on {release.date}, signed "
        f"by key {fingerprint(signer.public_key())}: {bundle / RELEASE}"
    )


def sign_release(
    bundle: Path, evaluation: Path, *, person: str, date: datetime.date, key: Ed25519PrivateKey
) -> Release:
    """Turn the card of a model to clinical use and write the signed release beside it; returns what was signed.

    Raises
    ------
    InputRejected
        Where the report is none of these very weights, is of synthetic scans, or lacks the area of a category.
    ConfigurationError
        Where the weights come with the project or are not those of the card, the bundle cannot be read, or nobody
        signs.
    """
    from models.bundle import METADATA, WEIGHTS
    from models.levels.file import LEVELS
    from models.release import Release, covered_files, save_release
    from models.screening.network import ARCHITECTURE

    card = _json(bundle / METADATA, "the model card")
    weights = _digest(bundle / WEIGHTS)
    if card.get("weights_sha256") != weights:
        raise ConfigurationError(
            f"the weights in {bundle} must have the SHA-256 of its card, {card.get('weights_sha256')}, got {weights}; "
            "install the bundle anew"
        )
    if weights in _shipped():
        raise ConfigurationError("the weights that come with the project are for research, and nothing releases them")
    if card.get("architecture") == ARCHITECTURE:
        _check_screening(evaluation, weights)
    else:
        _check_spine(evaluation, weights, bundle / LEVELS)
    name, version = (str(card.get(word)) for word in ("name", "version"))
    clinical = json.dumps(card | {_USE: IntendedUse.CLINICAL.value}, indent=2) + "\n"
    files = covered_files(bundle) | {METADATA.as_posix(): hashlib.sha256(clinical.encode()).hexdigest()}
    release = Release(
        name=name,
        version=version,
        weights_sha256=weights,
        person=person,
        date=date,
        evaluation_sha256=_digest(evaluation),
        files=files,
    )
    # The card first: stopped between the two, the bundle claims what no release allows, and is refused.
    (bundle / METADATA).write_text(clinical, encoding="utf-8")
    save_release(bundle, release, key)
    return release


def _shipped() -> set[str]:
    """SHA-256 of the weights that come with the project: they never saw a patient."""
    from models.bundle import BUNDLES, WEIGHTS

    return {_digest(path) for path in BUNDLES.glob(f"*/{WEIGHTS}")}


def _check_spine(evaluation: Path, weights: str, levels: Path) -> None:
    """A network of the spine is released by scans in which it was asked, with the level model that it has now."""
    told = _json(evaluation, "the evaluation")
    models, scans = told.get(_MODELS), told.get(_SCANS)
    if not isinstance(models, list) or not isinstance(scans, list) or not scans:
        raise InputRejected(
            f"{evaluation.name} must be the scores.json of evaluate spine, with {_MODELS!r} and {_SCANS!r}; evaluate "
            "the bundle that you want to release"
        )
    judged = [str(each.get(_JUDGED)) for each in models if isinstance(each, dict)]
    for asked in (weights, *((_digest(levels),) if levels.exists() else ())):
        if asked not in judged:
            raise _of_others(evaluation, asked, ", ".join(judged) or "none")
    _check_shows_people(evaluation, told.get(_SYNTHETIC))


def _check_screening(evaluation: Path, weights: str) -> None:
    """A classifier of bone density is released by areas with intervals: of each category, and of both of its models."""
    from training.screening_report.evaluation import load_evaluation
    from training.screening_report.tables import MODEL_WORDS
    from training.statistics.estimate import NotEstimable

    told = _json(evaluation, "the evaluation")
    if told.get(_JUDGED) != weights:
        raise _of_others(evaluation, weights, repr(told.get(_JUDGED)))
    figures, _ = load_evaluation(evaluation)
    _check_shows_people(evaluation, told.get(_SYNTHETIC, 0))
    lacking = [
        f"{MODEL_WORDS[model.method]}, {each.category}: {each.area.because}"
        for model in figures.overall.models
        for each in model.categories
        if isinstance(each.area, NotEstimable)
    ]
    if lacking:
        raise InputRejected(
            f"{evaluation.name} must have an area under the ROC curve with its interval for every category of both "
            f"models, got none of {'; '.join(lacking)}. Evaluate the bundle on more patients, of every category"
        )


def _of_others(evaluation: Path, asked: str, judged: str) -> InputRejected:
    return InputRejected(
        f"{evaluation.name} must be the evaluation of these very weights: its {_JUDGED!r} must be {asked}, got "
        f"{judged}; evaluate the bundle that you want to release"
    )


def _check_shows_people(evaluation: Path, drawn: object) -> None:
    """Refuse scans that show nobody; a truth value is no number of them."""
    if drawn != 0 or isinstance(drawn, bool):
        raise InputRejected(
            f"{evaluation.name} must be an evaluation on patients alone to release anything for clinical use: its "
            f"{_SYNTHETIC!r} must be 0, got {drawn!r}; evaluate the bundle on scans of your patients"
        )


def _json(path: Path, what: str) -> dict[str, object]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputRejected(f"{what} {path} cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise InputRejected(f"{what} {path} must be a JSON object, got {type(content).__name__}")
    return content


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error


def _private_key(path: Path) -> Ed25519PrivateKey:
    """The key of a file; asks for its passphrase where it has one."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"the key {path} cannot be read ({error.strerror}); make one with openssl genpkey -algorithm ed25519"
        ) from error
    try:
        try:
            key = load_pem_private_key(content, password=None)
        except TypeError:  # it has a passphrase
            passphrase = typer.prompt(f"Passphrase of {path}", hide_input=True, err=True)
            key = load_pem_private_key(content, password=passphrase.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"{path} must hold a private key in PEM, and the passphrase must fit: {error}"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{path} must hold an Ed25519 private key, got {type(key).__name__}")
    return key
