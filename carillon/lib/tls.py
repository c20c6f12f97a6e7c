"""The authorities whose certificates are trusted, read once in a process: reading them takes 16 ms, longer than many a
call that needs them."""

import functools
import ssl

import httpx


@functools.cache
def context(*, trust_env: bool = True) -> ssl.SSLContext:
    """For `verify` of httpx. `trust_env`: SSL_CERT_FILE and SSL_CERT_DIR count."""
    return httpx.create_ssl_context(trust_env=trust_env)
