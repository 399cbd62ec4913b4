"""The configuration files of proxies in ``docs/deploy/``, in the real programs."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from playwright.sync_api import sync_playwright
from websockets.exceptions import InvalidStatus

from c10kws.management.server_options import server_options
from c10kws.refusals import Refusals
from tests.project.proxied_views import gate
from tests.support.browsers import FLAGS
from tests.support.proxies import apache, find_program, haproxy, nginx
from tests.support.servers import LiveServer
from tests.support.shell import ROOT
from tests.support.sites import Site
from tests.support.tlssockets import client_context
from tests.support.waiting import WAIT, eventually
from tools.processes import free_port

pytestmark = pytest.mark.programs

MIB = 1024 * 1024
SETTINGS = {
    "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
    "ALLOWED_HOSTS": ["localhost", "example.com"],  # HAProxy's health check asks example.com
    "C10KWS": {"COMPRESSION": True},
}


@dataclass(frozen=True)
class Proxy:
    """A proxy, its configuration, and how that says to listen on 443."""

    program: str
    file: str
    run: Callable[[str, int, Path], AbstractContextManager[None]]
    listen: tuple[str, str]
    tls: bool = True
    serves_files: bool = True

    @property
    def configuration(self) -> str:
        return (ROOT / "docs" / "deploy" / self.file).read_text(encoding="utf-8")

    @property
    def forwarded(self) -> list[str]:
        """The headers in which it describes the client, or which it removes."""
        return re.findall(r"\b(Forwarded|(?:X-|Remote-)[\w-]*\w)\b", self.configuration)


NGINX = ("listen 443 ssl;", "listen 127.0.0.1:{};")
NGINX_TLS = ("listen 443 ssl;", "listen 127.0.0.1:{} ssl;")
APACHE = ("<VirtualHost *:443>", "<VirtualHost *:{}>")
HAPROXY = ("bind :443 ssl", "bind 127.0.0.1:{} ssl")
PROXIES = {
    "nginx": Proxy("nginx", "nginx.conf", nginx, NGINX, tls=False),
    "nginx-tls": Proxy("nginx", "nginx.conf", nginx, NGINX_TLS),
    "apache": Proxy("apache2", "apache.conf", apache, APACHE),
    "haproxy": Proxy("haproxy", "haproxy.cfg", haproxy, HAPROXY, serves_files=False),
}


def substitute(text: str, replacements: dict[str, str]) -> str:
    """Replace the parts of a file that a reader has to change, too."""
    for old, new in replacements.items():
        assert old in text, f"expected {old!r} in the file"
        text = text.replace(old, new)
    return text


@contextmanager
def serving(listen: socket.socket | None = None) -> Iterator[LiveServer]:
    """Serve the test project."""
    with override_settings(**SETTINGS):
        server = LiveServer(Refusals(get_wsgi_application()), listen=listen, **server_options())
        server.start()
        yield server
        server.stop()
        server.server.pool.shutdown(wait=True)


@pytest.fixture(scope="module")
def live() -> Iterator[LiveServer]:
    """The test project on a port."""
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def public() -> Iterator[Path]:
    """A folder that the users of all proxies may read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def static(public: Path) -> Path:
    """The folder of static files."""
    (public / "site.css").write_text("body {}")
    return public


@pytest.fixture
def unix_socket(public: Path) -> Iterator[Path]:
    """A Unix socket on which the test project is served."""
    path = public / "web.sock"
    with socket.socket(socket.AF_UNIX) as listen:
        listen.bind(str(path))
        path.chmod(0o666)
        listen.listen()
        with serving(listen):
            yield path
    path.unlink()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A file with a key and its certificates, and a context that trusts it."""
    authority = trustme.CA()
    path: Path = tmp_path_factory.mktemp("certificate") / "certificate.pem"
    path.write_bytes(authority.issue_cert("localhost").private_key_and_cert_chain_pem.bytes())
    return path, client_context(authority)


@pytest.fixture(scope="module", params=PROXIES.values(), ids=PROXIES)
def proxy(request: pytest.FixtureRequest) -> Proxy:
    made: Proxy = request.param
    find_program(made.program)
    return made


@pytest.fixture(scope="module")
def start(
    proxy: Proxy, static: Path, certificate: tuple[Path, ssl.SSLContext]
) -> Callable[..., AbstractContextManager[Site]]:
    """Start the proxy, with its file after some replacements."""
    path, context = certificate

    @contextmanager
    def start_proxy(folder: Path, configuration: str, *changed: tuple[str, str]) -> Iterator[Site]:
        port = free_port()
        listen, here = proxy.listen
        replacements = {listen: here.format(port), "/etc/ssl/example.com.pem": str(path)}
        if proxy.serves_files:  # HAProxy has the key in the file with the certificate
            replacements["/etc/ssl/example.com.key"] = str(path)
            replacements["/srv/example/static/"] = f"{static}/"
        text = substitute(configuration, replacements | dict(changed))
        with proxy.run(text, port, folder):
            yield Site(port, context if proxy.tls else None)

    return start_proxy


@pytest.fixture(scope="module")
def site(
    proxy: Proxy,
    live: LiveServer,
    start: Callable[..., AbstractContextManager[Site]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """The proxy in front of the project."""
    address = ("127.0.0.1:8000", f"127.0.0.1:{live.port}")
    with start(tmp_path_factory.mktemp(proxy.program), proxy.configuration, address) as made:
        yield made


@pytest.fixture
def chromium() -> str:
    found = os.environ.get("C10KWS_CHROMIUM") or shutil.which("chromium")
    if not found:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    return found


def test_pages_and_what_the_application_knows_of_their_client(site: Site) -> None:
    for _ in range(2):
        with site.get("/page/") as response:
            assert (response.status, response.read()) == (200, b"page")
    told = site.headers()
    assert told["scheme"] == told["X-Forwarded-Proto"] == site.scheme
    assert told["host"] == f"localhost:{site.port}"
    assert told["X-Forwarded-For"] == told["X-Real-Ip"] == "127.0.0.1"
    assert told.get("Connection", "keep-alive").lower() == "keep-alive"


def test_a_client_cannot_speak_for_the_proxy(site: Site, proxy: Proxy) -> None:
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
        *proxy.forwarded,
    }
    told = site.headers(dict.fromkeys(names, "203.0.113.66"))
    assert "203.0.113.66" not in told.values()
    assert told["scheme"] == told["X-Forwarded-Proto"] == site.scheme


def test_the_log_has_the_address_of_the_client(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "c10kws_tornado.access")
    address, spoofed = ("127.0.0.2", 0), {"X-Forwarded-For": "203.0.113.66"}
    with site.get("/page/?log", spoofed, source_address=address) as response:
        assert response.read() == b"page"
    eventually(lambda: access_lines(caplog))
    assert access_lines(caplog)[0].startswith('127.0.0.2 "GET /page/?log ')


def access_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    lines = [r.getMessage() for r in caplog.records if r.name == "c10kws_tornado.access"]
    return [line for line in lines if "/page/?log" in line]


def test_websockets_of_the_site_and_of_no_other(site: Site) -> None:
    with site.connect("/ws/echo/", origin=site.origin) as ws:
        for message in ("x", "y" * 100_000):
            ws.send(message)
            assert ws.recv(WAIT) == message
        assert [each.name for each in ws.protocol.extensions] == ["permessage-deflate"]
    for origin in ("https://localhost", "http://localhost:1", "https://evil.example"):
        with pytest.raises(InvalidStatus, match="403"):
            site.connect("/ws/echo/", origin=origin)


@pytest.mark.parametrize("kind", ["stream", "events"])
def test_a_stream_arrives_as_it_is_sent(site: Site, kind: str) -> None:
    gate.release()
    with site.get(f"/proxied/{kind}/") as response:
        for number in range(3):
            assert f"piece {number}" in response.readline().decode()
            if kind == "events":
                assert response.readline() == b"\n"
            if number < 2:
                gate.release()  # the next piece is sent when this one has come
        assert response.read() == b""


def test_an_upload_of_100_mib_and_no_longer_one(site: Site) -> None:
    body = bytes(100 * MIB - 1) + b"."
    assert site.upload(body) == {"size": 100 * MIB, "last": "."}
    assert site.announce_upload(100 * MIB + 1) == 413


def test_the_lines_for_a_unix_socket(
    proxy: Proxy,
    start: Callable[..., AbstractContextManager[Site]],
    unix_socket: Path,
    tmp_path: Path,
) -> None:
    """They are comments below the lines that they replace."""
    lines = r".*127\.0\.0\.1:8000.*\n( *)# (.*/web\.sock.*\n)"
    configuration, count = re.subn(lines, r"\1\2", proxy.configuration)
    assert count == 1
    with start(tmp_path, configuration, ("/run/example/web.sock", str(unix_socket))) as site:
        assert site.headers()["X-Forwarded-For"] == "127.0.0.1"
        with site.connect("/ws/echo/", origin=site.origin) as ws:
            ws.send("spam")
            assert ws.recv(WAIT) == "spam"


def test_static_files(site: Site, proxy: Proxy) -> None:
    with site.get("/static/site.css") as response:
        assert response.status == (200 if proxy.serves_files else 404)
        assert (response.read() == b"body {}") is proxy.serves_files


ECHO = """() => new Promise((resolve, reject) => {
    const socket = new WebSocket(location.origin.replace("http", "ws") + "/ws/echo/");
    socket.onopen = () => socket.send("spam");
    socket.onmessage = (event) => resolve(event.data);
    socket.onclose = (event) => reject(new Error(`closed with ${event.code}: ${event.reason}`));
})"""


@pytest.mark.parametrize("proxy", [PROXIES["nginx"], PROXIES["nginx-tls"]], indirect=True)
def test_a_browser(site: Site, chromium: str) -> None:
    def talk() -> str:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(ignore_https_errors=True)
            page.set_default_timeout(WAIT * 1000)
            page.goto(f"{site.origin}/page/")
            answer: str = page.evaluate(ECHO)
            browser.close()
        return answer

    with ThreadPoolExecutor(1) as pool:  # Django does not take Playwright's loop in its own thread
        assert pool.submit(talk).result() == "spam"
