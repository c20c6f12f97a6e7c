"""Whose certificates are trusted is read once, and nobody else's are."""

import ssl

from carillon.lib import tls


def test_the_authorities_are_read_once_and_certificates_are_checked() -> None:
    context = tls.context(trust_env=False)

    assert tls.context(trust_env=False) is context
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
