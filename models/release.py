"""A site's signature under the clinical use of a model: beside the card, checked whenever the model is loaded."""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import TypeAdapter, ValidationError

from models.unreadable import what_is_wrong
from node.domain.errors import ConfigurationError
from node.domain.provenance import ModelIdentity

RELEASE = Path("release.json")

#: What shapes the results of a model lies in these folders of its bundle; a release covers all of it.
_COVERED = ("configs", "models")
#: No other kind of text that somebody signs can be taken for a release.
_PURPOSE = b"OsteoNode model release 1\n"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FINGERPRINT_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is signed.

    Parameters
    ----------
    name, version, weights_sha256
        Of the model, as its card gives them.
    person
        Who releases it.
    date
        The day of the signature.
    evaluation_sha256
        Of the report that the release rests on.
    files
        SHA-256 of every file that shapes a result, the card among them, by its path in the bundle.
    """

    name: str
    version: str
    weights_sha256: str
    person: str
    date: datetime.date
    evaluation_sha256: str
    files: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.person.strip() or not self.person.isprintable():
            raise ConfigurationError(f"a release must name the person who signs it, got {self.person!r}")
        for digest in (self.weights_sha256, self.evaluation_sha256, *self.files.values()):
            if not _SHA256.fullmatch(digest):
                raise ConfigurationError(f"a SHA-256 must be 64 lower-case hexadecimal digits, got {digest!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """The file: what is signed, by which key, and the signature; both in base64."""

    release: Release
    public_key: str
    signature: str


_RELEASE, _SIGNED = TypeAdapter(Release), TypeAdapter(_Signed)


def covered_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a bundle that shapes its results, by path.

    Raises
    ------
    ConfigurationError
        Where one cannot be read.
    """
    paths = sorted(path for part in _COVERED for path in (folder / part).rglob("*") if path.is_file())
    try:
        return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    except OSError as error:
        raise ConfigurationError(f"the model files in {folder} cannot be read: {error}") from error


def save_release(folder: Path, release: Release, key: Ed25519PrivateKey) -> None:
    """Sign a release and write it beside the card."""
    signed = _Signed(
        release=release,
        public_key=base64.b64encode(key.public_key().public_bytes_raw()).decode("ascii"),
        signature=base64.b64encode(key.sign(_message(release))).decode("ascii"),
    )
    (folder / RELEASE).write_bytes(_SIGNED.dump_json(signed, indent=2) + b"\n")


def check_release(folder: Path, identity: ModelIdentity, trusted: Sequence[Ed25519PublicKey]) -> Release:
    """The release of a model that claims clinical use; it was signed by a trusted key, and for these very files.

    Raises
    ------
    ConfigurationError
        Where the file is missing, is no release, was changed, is signed by a key that nobody trusts, or is for another
        model, other weights or another card.
    """
    model = f"{identity.name!r} {identity.version}"
    signed = _load(folder / RELEASE, model)
    _check_signature(signed, model, trusted)
    release = signed.release
    expected = (identity.name, identity.version, identity.weights_sha256)
    if (release.name, release.version, release.weights_sha256) != expected:
        raise ConfigurationError(
            f"the release beside model {model} must be for its weights {identity.weights_sha256}, it is for "
            f"{release.name!r} {release.version} with {release.weights_sha256}; sign one for this model"
        )
    _check_files(folder, release, model)
    return release


def read_public_keys(files: Iterable[Path]) -> tuple[Ed25519PublicKey, ...]:
    """The keys that a site trusts.

    Raises
    ------
    ConfigurationError
        Where a file cannot be read, or holds no Ed25519 public key in PEM.
    """
    return tuple(map(_public_key, files))


def fingerprint(key: Ed25519PublicKey) -> str:
    """A short name of a key for people: the first digits of its SHA-256."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:_FINGERPRINT_DIGITS]


def _message(release: Release) -> bytes:
    """The bytes that are signed: the same for the same release, however its file is laid out."""
    content = _RELEASE.dump_python(release, mode="json")
    return _PURPOSE + json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")


def _load(path: Path, model: str) -> _Signed:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"model {model} claims clinical use, for which a signed release must lie beside its card, and {path} is "
            "not there; make one with osteonode-train sign-release, or take the bundle that is for research"
        ) from error
    except OSError as error:
        raise ConfigurationError(f"the release {path} cannot be read: {error.strerror}") from error
    try:
        return _SIGNED.validate_json(content)
    except ValidationError as error:
        wrong = what_is_wrong(error)
        raise ConfigurationError(f"{path} is no release as osteonode-train sign-release makes it: {wrong}") from error


def _check_signature(signed: _Signed, model: str, trusted: Sequence[Ed25519PublicKey]) -> None:
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(signed.public_key, validate=True))
        signature = base64.b64decode(signed.signature, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError(f"the release of model {model} holds no key and signature: {error}") from error
    if key not in trusted:
        names = ", ".join(map(fingerprint, trusted)) or "none"
        raise ConfigurationError(
            f"the release of model {model} must be signed by a key that this site trusts ({names}), it is signed by "
            f"{fingerprint(key)}; where that key is yours, name the file of its public key in workers.release_keys"
        )
    try:
        key.verify(signature, _message(signed.release))
    except InvalidSignature as error:
        raise ConfigurationError(
            f"the release of model {model} does not fit its signature: it was changed after it was signed; sign it anew"
        ) from error


def _check_files(folder: Path, release: Release, model: str) -> None:
    found = covered_files(folder)
    changed = sorted(name for name in found.keys() | release.files.keys() if found.get(name) != release.files.get(name))
    if changed:
        raise ConfigurationError(
            f"the release of model {model} covers its card and files as they were on {release.date}; since then "
            f"{', '.join(changed)} was changed, added or removed; restore the bundle, or evaluate and sign it anew"
        )


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"the public key {path} cannot be read: {error.strerror}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{path} must hold a public key in PEM: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(f"{path} must hold an Ed25519 public key, got {type(key).__name__}")
    return key
