"""The certificate of a server: which files are accepted, and which versions of TLS."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from c10kws_tornado.tls import load_certificate
from tests.support.certificates import Certificate
from tests.support.peers import Client
from tests.support.servers import LiveServer


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path)


def load(certificate: Certificate) -> ssl.SSLContext:
    context = load_certificate(str(certificate.certfile), str(certificate.keyfile))
    assert context is not None
    return context


def page(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"page"]


def test_http_1_1_is_negotiated(serve: Callable[..., LiveServer], certificate: Certificate) -> None:
    """RFC 7301 §3.2: the server has no protocol but this one."""
    certificate.client.set_alpn_protocols(["h2", "http/1.1"])
    live = serve(page, ssl_context=load(certificate))
    with connect(live, certificate.client) as client:
        assert isinstance(client.socket, ssl.SSLSocket)
        assert client.socket.selected_alpn_protocol() == "http/1.1"
        assert client.get().body == b"page"


def test_tls_1_2_is_the_oldest_version(
    serve: Callable[..., LiveServer], certificate: Certificate
) -> None:
    live = serve(page, ssl_context=load(certificate))
    context = certificate.client
    context.set_ciphers("ALL:@SECLEVEL=0")  # which TLS 1.1 needs
    for version, accepted in [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of TLS 1.1
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
        if accepted:
            with connect(live, context) as client:
                assert client.get().body == b"page"
        else:
            with pytest.raises(ssl.SSLError, match=r"(?i)protocol version"):
                connect(live, context)


def connect(live: LiveServer, context: ssl.SSLContext) -> Client:
    plain = live.client().socket
    return Client(context.wrap_socket(plain, server_hostname="127.0.0.1"))


def test_one_file_with_both(certificate: Certificate) -> None:
    with certificate.certfile.open("a") as file:
        file.write(certificate.keyfile.read_text())
    assert load_certificate(str(certificate.certfile), None) is not None


def test_none() -> None:
    assert load_certificate(None, None) is None


def test_a_key_needs_a_certificate() -> None:
    with pytest.raises(ValueError, match="--keyfile needs --certfile"):
        load_certificate(None, "key.pem")


def other_key(certificate: Certificate) -> None:
    certificate.renew(key=False)


def no_key(certificate: Certificate) -> None:
    certificate.keyfile.write_text("")


def no_certificate(certificate: Certificate) -> None:
    certificate.certfile.write_bytes(certificate.keyfile.read_bytes())


def damaged(certificate: Certificate) -> None:
    lines = certificate.certfile.read_text().splitlines()
    certificate.certfile.write_text("\n".join([lines[0], "damaged", lines[-1]]))


def encrypted(certificate: Certificate) -> None:
    key = load_pem_private_key(certificate.keyfile.read_bytes(), None)
    certificate.keyfile.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (other_key, r"The private key in .*key.pem does not belong to the certificate in .*cert.p"),
        (no_key, "key.pem has no private key in PEM format"),
        (no_certificate, "cert.pem has no certificate in PEM format"),
        (damaged, "cert.pem cannot be used: .*PEM"),
        (encrypted, "key.pem is encrypted"),
    ],
)
def test_files_that_cannot_be_used(
    certificate: Certificate, spoil: Callable[[Certificate], None], message: str
) -> None:
    spoil(certificate)
    with pytest.raises(ValueError, match=message):
        load(certificate)


@pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
def test_files_that_cannot_be_read(certificate: Certificate, name: str) -> None:
    path = certificate.certfile.with_name(name)
    path.unlink()
    with pytest.raises(OSError, match=f"Cannot read .*{name}: No such file"):
        load(certificate)
    path.mkdir()
    with pytest.raises(OSError, match=f"Cannot read .*{name}: (Is a directory|Permission denied)"):
        load(certificate)
