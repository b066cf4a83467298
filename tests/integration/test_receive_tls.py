"""DICOM TLS: only TLS 1.2 and later, only the profile's ciphers, and only whom the authority vouches for."""

from __future__ import annotations

import socket
import ssl
import warnings
from pathlib import Path

import pytest

from node.domain.errors import ConfigurationError
from node.receive.settings import TlsFiles
from node.receive.tls import server_context
from tests import peers
from tests.builders.certificates import Authority, Pem
from tests.builders.ct import CtSpec, ct_series, write_series
from tests.integration.listening import listening
from tests.integration.raw_association import Aborted, Encoded, RawAssociation
from tests.integration.senders import encoded

CONTEXTS = [("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path)


@pytest.fixture
def files(authority: Authority) -> TlsFiles:
    node = authority.issue("node")
    return TlsFiles(certificate=node.certificate, key=node.key)


@pytest.fixture
def mutual(authority: Authority) -> TlsFiles:
    node = authority.issue("node")
    return TlsFiles(certificate=node.certificate, key=node.key, client_ca=authority.certificate)


@pytest.fixture
def image() -> Encoded:
    return encoded(ct_series(CtSpec(slices=1))[0])


def client(authority: Authority, own: Pem | None = None) -> ssl.SSLContext:
    """A sender that trusts the authority, with a certificate of its own or without."""
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    return context


def store(port: int, tls: ssl.SSLContext | None, image: Encoded) -> int | None:
    """The status of an image sent so; `None` where the connection is refused."""
    try:
        with RawAssociation(port, CONTEXTS, tls=tls) as association:
            return association.store(image)
    except (Aborted, ssl.SSLError, ConnectionError):
        return None


def test_storescu_sends_over_tls(tmp_path: Path, authority: Authority, files: TlsFiles) -> None:
    series = ct_series(CtSpec(slices=3))
    write_series(series, tmp_path / "series")
    with listening(tmp_path / "store", tls=files) as listener:
        trust = ("--anonymous-tls", "--add-cert-file", str(authority.certificate))

        done = peers.dcmtk(
            "storescu", *trust, "-aec", "OSTEONODE", "+sd", "127.0.0.1", str(listener.port), str(tmp_path / "series")
        )

        assert done.returncode == 0, done.stderr
        assert set(listener.index.instances) == {each.SOPInstanceUID for each in series}


def test_a_large_image_arrives_whole_over_tls(tmp_path: Path, authority: Authority, files: TlsFiles) -> None:
    image = encoded(ct_series(CtSpec(slices=1, rows=512, columns=512))[0])
    with listening(tmp_path / "store", tls=files) as listener:
        status = store(listener.port, client(authority), image)

        assert status == 0x0000
        assert listener.content(image.sop_instance) == image.content


def test_a_sender_without_tls_is_refused(tmp_path: Path, authority: Authority, files: TlsFiles, image: Encoded) -> None:
    with listening(tmp_path / "store", tls=files) as listener:
        assert store(listener.port, None, image) is None
        assert store(listener.port, client(authority), image) == 0x0000


def test_tls_1_1_is_refused(tmp_path: Path, authority: Authority, files: TlsFiles, image: Encoded) -> None:
    old = client(authority)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1_1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")

    with listening(tmp_path / "store", tls=files) as listener:
        assert store(listener.port, old, image) is None


def test_a_cipher_that_is_not_of_the_profile_is_refused(
    tmp_path: Path, authority: Authority, files: TlsFiles, image: Encoded
) -> None:
    weak = client(authority)
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
    good = client(authority)
    good.maximum_version = ssl.TLSVersion.TLSv1_2

    with listening(tmp_path / "store", tls=files) as listener:
        assert store(listener.port, weak, image) is None
        assert store(listener.port, good, image) == 0x0000


def test_a_sender_without_a_certificate_is_refused_where_one_is_asked_for(
    tmp_path: Path, authority: Authority, mutual: TlsFiles, image: Encoded
) -> None:
    with listening(tmp_path / "store", tls=mutual) as listener:
        assert store(listener.port, client(authority), image) is None
        assert listener.index.instances == {}


def test_a_certificate_of_another_authority_is_refused(
    tmp_path: Path, authority: Authority, mutual: TlsFiles, image: Encoded
) -> None:
    stranger = Authority.make(tmp_path, "stranger").issue("intruder")
    with listening(tmp_path / "store", tls=mutual) as listener:
        assert store(listener.port, client(authority, stranger), image) is None
        assert listener.index.instances == {}


def test_a_certificate_of_the_authority_is_accepted(
    tmp_path: Path, authority: Authority, mutual: TlsFiles, image: Encoded
) -> None:
    with listening(tmp_path / "store", tls=mutual) as listener:
        assert store(listener.port, client(authority, authority.issue("scanner")), image) == 0x0000


def test_a_handshake_that_stalls_holds_up_nobody(
    tmp_path: Path, authority: Authority, files: TlsFiles, image: Encoded
) -> None:
    with (
        listening(tmp_path / "store", tls=files, acse_timeout_s=30.0) as listener,
        socket.create_connection(("127.0.0.1", listener.port)),
    ):
        assert store(listener.port, client(authority), image) == 0x0000


def test_a_stalled_handshake_ends(tmp_path: Path, files: TlsFiles) -> None:
    with (
        listening(tmp_path / "store", tls=files, acse_timeout_s=0.3) as listener,
        socket.create_connection(("127.0.0.1", listener.port), 20) as silent,
    ):
        assert silent.recv(1) == b""


def test_a_key_of_another_certificate_is_the_operators_to_change(authority: Authority) -> None:
    one, other = authority.issue("one"), authority.issue("other")

    with pytest.raises(ConfigurationError, match="PEM certificate with its key"):
        server_context(TlsFiles(certificate=one.certificate, key=other.key))


def test_a_missing_file_is_the_operators_to_change(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        server_context(TlsFiles(certificate=tmp_path / "nowhere.crt", key=tmp_path / "nowhere.key"))
