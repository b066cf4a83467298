"""Results travel encrypted where a destination asks for it, and only to whom an authority vouches for."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from node.dispatch.association import ScuSettings
from node.dispatch.dicom_file import read_dicom_file
from node.dispatch.echo import echo
from node.dispatch.failures import DestinationRefuses, DestinationUnavailable
from node.dispatch.pool import AssociationPool
from node.dispatch.tls import client_context
from node.domain.errors import ConfigurationError
from node.domain.identifiers import AETitle
from tests.builders.ct import CtSpec, ct_series, write_series
from tests.scripted_scp import scripted_scp


@dataclass(frozen=True)
class Pem:
    """A certificate that vouches for itself, and its key."""

    certificate: Path
    key: Path


def self_signed(folder: Path, name: str) -> Pem:
    """A certificate for `localhost`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    made = Pem(folder / f"{name}.crt", folder / f"{name}.key")
    made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


def archive_context(archive: Pem, node: Pem) -> ssl.SSLContext:
    """TLS of an archive that asks the caller for a certificate, too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(archive.certificate, archive.key)
    context.load_verify_locations(node.certificate)
    return context


def settings(node: Pem, trusted: Pem) -> ScuSettings:
    """The node's side, which trusts one certificate."""
    tls = client_context(certificate=node.certificate, key=node.key, authorities=trusted.certificate)
    return ScuSettings(calling_ae=AETitle("OSTEONODE"), connect_timeout_s=2.0, acse_timeout_s=2.0, tls=tls)


def test_an_object_is_delivered_over_tls(tmp_path: Path) -> None:
    archive, node = self_signed(tmp_path, "archive"), self_signed(tmp_path, "node")
    (path,) = write_series(ct_series(CtSpec(slices=1)), tmp_path / "image")
    pool = AssociationPool(settings(node, archive))

    with scripted_scp(tls=archive_context(archive, node)) as scp:
        status = pool.send(scp.destination(tls=True), read_dicom_file(path))
        pool.close()

    assert status == 0
    assert len(scp.stored) == 1


def test_an_archive_that_nobody_vouches_for_is_not_spoken_to(tmp_path: Path) -> None:
    archive, node, other = (self_signed(tmp_path, name) for name in ("archive", "node", "other"))
    tls = settings(node, other).tls

    with scripted_scp(tls=archive_context(archive, node)) as scp, pytest.raises(DestinationUnavailable):
        echo(scp.destination(tls=True), calling="OSTEONODE", tls=tls)


def test_tls_without_a_certificate_of_the_node_is_refused(tmp_path: Path) -> None:
    with scripted_scp() as scp, pytest.raises(DestinationRefuses, match="the node has no certificate"):
        echo(scp.destination(tls=True), calling="OSTEONODE")


def test_no_older_version_than_1_2_is_offered(tmp_path: Path) -> None:
    node = self_signed(tmp_path, "node")

    context = client_context(certificate=node.certificate, key=node.key, authorities=node.certificate)

    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert all("SHA1" not in each["name"] and "NULL" not in each["name"] for each in context.get_ciphers())


def test_a_missing_file_is_a_matter_for_the_operator(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="PEM files"):
        client_context(certificate=tmp_path / "a", key=tmp_path / "b", authorities=tmp_path / "c")
