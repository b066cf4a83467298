"""DICOM TLS for the listener."""

from __future__ import annotations

import ssl

from node.domain.errors import ConfigurationError
from node.receive.settings import TlsFiles

# BCP 195 RFC 8996/9325 TLS Profile (PS3.15 annex B): the cipher suites for TLS 1.2; those of TLS 1.3 are all allowed.
CIPHERS = (
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
)


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """What a listener needs to speak TLS 1.2 or later with its certificate.

    Raises
    ------
    ConfigurationError
        Where a file is missing, no PEM, or key and certificate do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    try:
        context.load_cert_chain(files.certificate, files.key)
        if files.client_ca is not None:
            context.load_verify_locations(files.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"the TLS files must be a PEM certificate with its key, got {files.certificate} and {files.key}: {error}"
        ) from error
    return context
