"""The peers themselves: they start, answer and are the programs that they should be."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from tests import peers


def test_dcmtk_reaches_orthanc(orthanc: peers.Orthanc) -> None:
    done = peers.dcmtk("echoscu", "-aec", orthanc.aet, orthanc.host, str(orthanc.dicom_port))

    assert done.returncode == 0, done.stderr


def test_dcmtk_is_not_the_program_of_the_same_name_in_the_environment() -> None:
    done = peers.dcmtk("storescu", "--version")

    assert "$dcmtk: storescu" in done.stdout


def test_an_orthanc_starts_empty(orthanc: peers.Orthanc) -> None:
    assert orthanc.instances() == ()


def test_redis_keeps_what_it_is_given(redis: peers.RedisServer) -> None:
    with Redis.from_url(redis.url) as client:
        client.set("key", "value")

        assert client.get("key") == b"value"


def test_storescp_answers_an_echo(storescp: peers.StoreScp) -> None:
    done = peers.dcmtk("echoscu", storescp.host, str(storescp.port))

    assert done.returncode == 0, done.stderr


def test_a_missing_peer_fails_in_continuous_integration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="apt-get install nothing"):
        peers.require_program("no-such-program", "nothing")


def test_a_missing_peer_skips_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="apt-get install nothing"):
        peers.require_program("no-such-program", "nothing")


def test_the_validator_complains_about_a_file_that_is_no_dicom(tmp_path: Path) -> None:
    file = tmp_path / "broken.dcm"
    file.write_bytes(b"\x00" * 200)

    assert peers.dciodvfy(file)
