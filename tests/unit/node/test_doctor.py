"""What `osteonode doctor` finds before a listener is started in vain."""

from pathlib import Path

import pytest

from node.cli.check import Check, Verdict, run_checks
from tests.builders.certificates import Authority, Pem


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Pem, Pem]:
    """Two certificates, each with its key."""
    authority = Authority.make(tmp_path)
    return authority.issue("one"), authority.issue("two")


def checked(monkeypatch: pytest.MonkeyPatch, home: Path, *, certificate: Path, key: Path) -> Check:
    """What doctor says of the listener's TLS files."""
    monkeypatch.chdir(home)
    monkeypatch.setenv("OSTEONODE_HOME", str(home))
    monkeypatch.setenv("OSTEONODE_LISTEN__TLS_CERTIFICATE", str(certificate))
    monkeypatch.setenv("OSTEONODE_LISTEN__TLS_KEY", str(key))
    return next(check for check in run_checks() if check.name == "tls")


def test_a_certificate_with_its_key_is_found_good(pair, monkeypatch, tmp_path):
    one, _ = pair

    assert checked(monkeypatch, tmp_path, certificate=one.certificate, key=one.key).verdict is Verdict.OK


def test_a_key_of_another_certificate_is_found(pair, monkeypatch, tmp_path):
    one, two = pair

    found = checked(monkeypatch, tmp_path, certificate=one.certificate, key=two.key)

    assert found.verdict is Verdict.FAILED
    assert "certificate with its key" in found.seen


def test_a_missing_file_is_found(pair, monkeypatch, tmp_path):
    one, _ = pair

    assert checked(monkeypatch, tmp_path, certificate=tmp_path / "none", key=one.key).verdict is Verdict.FAILED
