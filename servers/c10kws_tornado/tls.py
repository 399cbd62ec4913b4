"""TLS of the server: its certificate."""

from __future__ import annotations

import ssl


def load_certificate(certfile: str | None, keyfile: str | None) -> ssl.SSLContext | None:
    """Return a context for the certificate; None without one.

    Raises OSError for a file that cannot be used, ValueError for a key without a certificate.
    """
    if certfile is None:
        if keyfile is not None:
            raise ValueError("--keyfile needs --certfile.")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certfile, keyfile)
    except OSError as error:
        raise OSError(f"The certificate {certfile} cannot be used: {error}") from error
    return context
