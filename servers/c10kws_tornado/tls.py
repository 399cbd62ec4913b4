"""TLS of the server: its certificate and its versions."""

from __future__ import annotations

import os
import ssl
from typing import NoReturn


def load_certificate(certfile: str | None, keyfile: str | None) -> ssl.SSLContext | None:
    """Return a context for the certificate; None without one. It has TLS 1.2 and newer.

    Raises OSError for a file that cannot be read, ValueError for one that cannot be used, and for a
    key without a certificate.
    """
    if certfile is None:
        if keyfile is not None:
            raise ValueError("--keyfile needs --certfile.")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _check_pem(certfile, "certificate")
    _check_pem(keyfile or certfile, "private key")
    _load(context, certfile, keyfile or certfile)
    return context


def _check_pem(path: str, content: str) -> None:
    """Check that a file can be read and has a certificate or key; OpenSSL's errors do not say."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise OSError(f"Cannot read {path}: {os.strerror(error.errno or 0)}.") from error
    if f"{content.upper()}-----".encode() not in data:
        hint = " Pass the file of the key as --keyfile." if content == "private key" else ""
        raise ValueError(f"{path} has no {content} in PEM format.{hint}")


def _load(context: ssl.SSLContext, certfile: str, keyfile: str) -> None:
    def refuse() -> NoReturn:
        """Raise ValueError, where OpenSSL would ask for the password on the terminal."""
        raise ValueError(
            f"The private key in {keyfile} is encrypted. Decrypt it, for example with openssl pkey."
        )

    try:
        context.load_cert_chain(certfile, keyfile, refuse)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(
                f"The private key in {keyfile} does not belong to the certificate in {certfile}."
            ) from error
        raise ValueError(f"The certificate in {certfile} cannot be used: {error}.") from error
