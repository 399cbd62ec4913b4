"""The page's own configuration of nginx, under a real nginx on a port of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
import trustme
from playwright.sync_api import sync_playwright
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.project.proxied_views import gate
from tests.support.browsers import FLAGS
from tests.support.proxies import find_program, nginx
from tests.support.servers import LiveServer
from tests.support.shell import ROOT
from tests.support.waiting import WAIT, eventually
from tools.processes import free_port

pytestmark = pytest.mark.programs

PAGE = ROOT / "docs" / "how-to" / "deploy.rst"
TLS = pytest.mark.parametrize("tls", [True, False], ids=["tls", "plain"])
Serve = Callable[[bool], "Proxied"]


def configuration_of_the_page() -> str:
    """Return the first nginx block of the page."""
    block = re.search(r"code-block:: nginx\n\n((?: {4}.*\n|\n)+)", PAGE.read_text())
    assert block is not None
    return textwrap.dedent(block[1])


def substitute(text: str, replacements: dict[str, str]) -> str:
    for old, new in replacements.items():
        assert text.count(old) == 1, f"expected {old!r} once on the page"
        text = text.replace(old, new)
    return text


@dataclass
class Proxied:
    """The test project behind nginx."""

    port: int
    live: LiveServer
    context: ssl.SSLContext | None

    @property
    def site(self) -> str:
        return f"{'https' if self.context else 'http'}://localhost:{self.port}"

    @contextmanager
    def get(
        self, path: str, headers: dict[str, str] | None = None, **options: Any
    ) -> Iterator[HTTPResponse]:
        """Ask for a page; the body of the response may not have come yet."""
        options["timeout"] = WAIT
        if self.context is None:
            connection = HTTPConnection("localhost", self.port, **options)
        else:
            connection = HTTPSConnection("localhost", self.port, context=self.context, **options)
        with closing(connection):
            connection.request("GET", path, headers=headers or {})
            with connection.getresponse() as response:
                yield response

    def headers(self, sent: dict[str, str] | None = None) -> dict[str, str]:
        """Return the headers that the application gets, with its scheme and host."""
        with self.get("/proxied/headers/", sent) as response:
            told: dict[str, str] = json.load(response)
        return told

    def connect(self, path: str, origin: str) -> ClientConnection:
        return connect(
            self.site.replace("http", "ws", 1) + path,
            ssl=self.context,
            origin=origin,  # type: ignore[arg-type]
            open_timeout=WAIT,
            proxy=None,
        )


@pytest.fixture
def serve(make_live: Callable[..., LiveServer], settings: Any, tmp_path: Path) -> Iterator[Serve]:
    """Start the project, and nginx with the configuration of the page in front of it."""
    find_program("nginx")
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    live, port = make_live(), free_port()
    authority = trustme.CA()
    certificate = tmp_path / "certificate.pem"
    pem = authority.issue_cert("localhost").private_key_and_cert_chain_pem
    certificate.write_bytes(pem.bytes())
    context = ssl.create_default_context()
    authority.configure_trust(context)
    stack = ExitStack()

    def start(tls: bool) -> Proxied:
        replacements = {
            "listen 443 ssl;": f"listen 127.0.0.1:{port}{' ssl' * tls};",
            "127.0.0.1:8000": f"127.0.0.1:{live.port}",
            "/etc/ssl/example.com.pem": str(certificate),
            "/etc/ssl/example.com.key": str(certificate),
        }
        page = substitute(configuration_of_the_page(), replacements)
        stack.enter_context(nginx(page, port, tmp_path))
        return Proxied(port, live, context if tls else None)

    with stack:
        yield start


@pytest.fixture
def chromium() -> str:
    found = os.environ.get("C10KWS_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    return found


@TLS
def test_pages_and_what_the_application_knows_of_their_client(serve: Serve, tls: bool) -> None:
    proxied = serve(tls)
    for _ in range(2):
        with proxied.get("/page/") as response:
            assert (response.status, response.read()) == (200, b"page")
    told = proxied.headers()
    assert told["scheme"] == ("https" if tls else "http")
    assert told["host"] == f"localhost:{proxied.port}"
    assert told["X-Forwarded-For"] == told["X-Real-Ip"] == "127.0.0.1"
    assert "Connection" not in told


@TLS
def test_a_client_cannot_speak_for_the_proxy(serve: Serve, tls: bool) -> None:
    names = {
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
        "X-Forwarded-User",
        "X-Real-IP",
        "Remote-User",
        "X-Remote-User",
        *re.findall(r"proxy_set_header ((?:X-|Remote-|Forw)[\w-]+)", configuration_of_the_page()),
    }
    spoofed = dict.fromkeys(names, "203.0.113.66")
    told = serve(tls).headers(spoofed)
    assert "203.0.113.66" not in told.values()
    scheme = "https" if tls else "http"
    assert (told["scheme"], told["X-Forwarded-Proto"]) == (scheme, scheme)


def test_the_log_has_the_address_of_the_client(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "c10kws_tornado.access")
    address, spoofed = ("127.0.0.2", 0), {"X-Forwarded-For": "203.0.113.66"}
    with serve(False).get("/page/", spoofed, source_address=address) as response:
        assert response.read() == b"page"
    eventually(lambda: access_lines(caplog))
    assert access_lines(caplog)[0].startswith('127.0.0.2 "GET /page/ ')


def access_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "c10kws_tornado.access"]


@TLS
def test_websockets_of_the_site_and_of_no_other(serve: Serve, tls: bool) -> None:
    proxied = serve(tls)
    with proxied.connect("/ws/echo/", origin=proxied.site) as ws:
        for message in ("x", "y" * 100_000):
            ws.send(message)
            assert ws.recv(WAIT) == message
    for origin in ("https://localhost", "http://localhost:1", "https://evil.example"):
        with pytest.raises(InvalidStatus, match="403"):
            proxied.connect("/ws/echo/", origin=origin)


@TLS
@pytest.mark.parametrize("kind", ["stream", "events"])
def test_a_stream_arrives_as_it_is_sent(serve: Serve, tls: bool, kind: str) -> None:
    proxied = serve(tls)
    gate.release()
    with proxied.get(f"/proxied/{kind}/") as response:
        for number in range(3):
            assert f"piece {number}" in response.readline().decode()
            if kind == "events":
                assert response.readline() == b"\n"
            if number < 2:
                gate.release()  # the next piece is sent when this one has come
        assert response.read() == b""


ECHO = """() => new Promise((resolve, reject) => {
    const socket = new WebSocket(location.origin.replace("http", "ws") + "/ws/echo/");
    socket.onopen = () => socket.send("spam");
    socket.onmessage = (event) => resolve(event.data);
    socket.onclose = (event) => reject(new Error(`closed with ${event.code}: ${event.reason}`));
})"""


@TLS
def test_a_browser(serve: Serve, tls: bool, chromium: str) -> None:
    site = serve(tls).site

    def talk() -> str:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(ignore_https_errors=True)
            page.set_default_timeout(WAIT * 1000)
            page.goto(f"{site}/page/")
            answer: str = page.evaluate(ECHO)
            browser.close()
        return answer

    with ThreadPoolExecutor(1) as pool:  # Django does not take Playwright's loop in its own thread
        assert pool.submit(talk).result() == "spam"
