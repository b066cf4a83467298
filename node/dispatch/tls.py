"""TLS for associations that the node opens."""

from __future__ import annotations

import ssl
from pathlib import Path

from node.domain.errors import ConfigurationError

# PS3.15 annex B, "BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile": TLS 1.2 and later, forward secrecy
# and authenticated encryption only. Of TLS 1.3 OpenSSL offers nothing weaker anyway.
CIPHERS_TLS_1_2 = ":".join(
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
    )
)


def client_context(*, certificate: Path, key: Path, authorities: Path) -> ssl.SSLContext:
    """Shows the node's certificate and accepts only peers whose certificate an authority signed for their host name.

    Parameters
    ----------
    certificate, key, authorities
        PEM files.

    Raises
    ------
    ConfigurationError
        Where a file is missing or is not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS_TLS_1_2)
    try:
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(authorities)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            "TLS needs PEM files of a certificate, its key and the authorities, "
            f"got {certificate}, {key} and {authorities}"
        ) from error
    return context
