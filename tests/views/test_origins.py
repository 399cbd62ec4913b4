"""The same-origin check."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.support.peers import HANDSHAKE


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        ("/ws/echo/", "http://evil.example", 403),
        ("/ws/echo/", "null", 403),
        ("/ws/echo/", "https://testserver", 403),
        ("/ws/echo/", "http://testserver.evil.example", 403),
        ("/ws/echo/", "http://[", 403),
        ("/ws/echo/", "http://testserver", 500),  # passed on to what the test client lacks
        ("/ws/echo/", None, 500),
        ("/ws/partners/", "https://partner.example", 500),
        ("/ws/partners/", "https://deep.wild.example", 500),
        ("/ws/partners/", "http://testserver", 500),
        ("/ws/partners/", "https://wild.example.evil", 403),
        ("/ws/partners/", "http://partner.example", 403),
        ("/ws/partners/", "null", 403),
        ("/ws/everybody/", "null", 500),
        ("/ws/everybody/", "http://evil.example", 500),
    ],
)
def test_origins(client: Client, path: str, origin: str | None, status: int) -> None:
    headers: dict[str, Any] = HANDSHAKE | ({"HTTP_ORIGIN": origin} if origin else {})
    assert client.get(path, **headers).status_code == status


def test_csrf_trusted_origins_are_welcome(client: Client, settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.friend.example"]
    headers: dict[str, Any] = HANDSHAKE | {"HTTP_ORIGIN": "https://app.friend.example"}
    assert client.get("/ws/echo/", **headers).status_code == 500


def test_a_refused_origin_is_named_with_the_setting_that_lets_it_in(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    headers: dict[str, Any] = HANDSHAKE | {"HTTP_ORIGIN": "http://evil.example"}
    body = client.get("/ws/echo/", **headers).content.decode()
    for text in (body, caplog.text):
        assert "http://evil.example" in text
        assert "http://testserver" in text
        assert "CSRF_TRUSTED_ORIGINS" in text


@pytest.mark.parametrize(
    ("origin", "host", "words", "not_words"),
    [
        ("https://example.com", "example.com", "Only the scheme differs", "Host"),
        ("https://example.com", "example.com", "SECURE_PROXY_SSL_HEADER", "CSRF_TRUSTED"),
        ("https://example.com", "example.com", "X-Forwarded-Proto", "port"),
        ("https://EXAMPLE.com:8443", "example.com:8443", "Only the scheme differs", "Host"),
        ("http://example.com:8080", "example.com", "Only the port differs", "CSRF_TRUSTED"),
        ("http://example.com:8080", "example.com", "Host header", "SSL_HEADER"),
        ("http://[::1]:8080", "[::1]", "Host header", "SSL_HEADER"),
        ("http://example.com:5173", "example.com:8000", "Only the port differs", "SSL_HEADER"),
        ("http://example.com:5173", "example.com:8000", "CSRF_TRUSTED_ORIGINS", "SSL_HEADER"),
        ("https://example.com:8443", "example.com", "Scheme and port differ", "CSRF_TRUSTED"),
        ("https://example.com", "example.com:8000", "SECURE_PROXY_SSL_HEADER", "CSRF_TRUSTED"),
        ("https://evil.example", "example.com", "CSRF_TRUSTED_ORIGINS", "SSL_HEADER"),
        ("http://example.com:x", "example.com", "CSRF_TRUSTED_ORIGINS", "SSL_HEADER"),
        ("null", "example.com", "CSRF_TRUSTED_ORIGINS", "SSL_HEADER"),
        ("ftp://example.com", "example.com", "CSRF_TRUSTED_ORIGINS", "SSL_HEADER"),
    ],
)
def test_where_only_port_or_scheme_differ_the_proxys_headers_are_named(
    client: Client, settings: Any, origin: str, host: str, words: str, not_words: str
) -> None:
    settings.ALLOWED_HOSTS = ["example.com", "[::1]"]
    headers: dict[str, Any] = HANDSHAKE | {"HTTP_ORIGIN": origin, "HTTP_HOST": host}
    response = client.get("/ws/echo/", **headers)
    assert response.status_code == 403
    advice = response.content.decode().partition("Host header). ")[2]
    assert words in advice
    assert not_words not in advice


def test_http_pages_are_not_the_https_site(client: Client) -> None:
    headers: dict[str, Any] = HANDSHAKE | {"HTTP_ORIGIN": "http://testserver"}
    response = client.get("/ws/echo/", secure=True, **headers)
    assert response.status_code == 403
    assert "CSRF_TRUSTED_ORIGINS" in response.content.decode()


def test_a_hostile_origin_cannot_forge_a_line_of_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    headers: dict[str, Any] = HANDSHAKE | {"HTTP_ORIGIN": "http://x\nERROR forged"}
    client.get("/ws/echo/", **headers)
    assert "\nERROR forged" not in caplog.text
