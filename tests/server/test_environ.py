"""``environ`` as PEP 3333 and RFC 9110 want it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .support import Client, LiveServer

Serve = Callable[..., LiveServer]


def tell(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer with the environ, as far as it is JSON."""
    start_response("200 OK", [("Content-Type", "application/json")])
    kinds = (str, bool, tuple)
    return [json.dumps({k: v for k, v in environ.items() if isinstance(v, kinds)}).encode()]


def ask(live: LiveServer, request: str) -> dict[str, Any]:
    with live.connect() as client:
        client.send(request)
        response = client.read_response()
    assert response.status == 200, response
    environ: dict[str, Any] = json.loads(response.body)
    return environ


def get(live: LiveServer, path: str, *headers: str) -> dict[str, Any]:
    return ask(live, "\n".join((f"GET {path} HTTP/1.1", "Host: a.example", *headers, "", "")))


@pytest.fixture
def live(serve: Serve) -> LiveServer:
    return serve(tell)


def test_an_ordinary_request(live: LiveServer) -> None:
    with live.connect() as client:
        port = client.socket.getsockname()[1]
        client.send("GET /a/b?c=d&e HTTP/1.1\nHost: a.example:8000\nX-Some-Header: 1\n\n")
        environ = json.loads(client.read_response().body)
    assert environ["REQUEST_METHOD"] == "GET"
    assert environ["SCRIPT_NAME"] == ""
    assert environ["PATH_INFO"] == "/a/b"
    assert environ["QUERY_STRING"] == "c=d&e"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["SERVER_NAME"] == "127.0.0.1"
    assert environ["SERVER_PORT"] == str(live.port)
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["REMOTE_PORT"] == str(port)
    assert environ["HTTP_HOST"] == "a.example:8000"
    assert environ["HTTP_X_SOME_HEADER"] == "1"
    assert environ["wsgi.version"] == [1, 0]
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["wsgi.multithread"] is True
    assert environ["wsgi.multiprocess"] is False
    assert environ["wsgi.run_once"] is False
    assert "CONTENT_LENGTH" not in environ
    assert "CONTENT_TYPE" not in environ


def test_what_the_server_was_told(serve: Serve) -> None:
    live = serve(tell, threads=1, multiprocess=True, url_scheme="https")
    environ = get(live, "/")
    assert environ["wsgi.multithread"] is False
    assert environ["wsgi.multiprocess"] is True
    assert environ["wsgi.url_scheme"] == "https"


def test_two_servers_share_nothing(serve: Serve) -> None:
    first, second = serve(tell, url_scheme="https"), serve(tell)
    assert get(first, "/")["wsgi.url_scheme"] == "https"
    assert get(second, "/")["wsgi.url_scheme"] == "http"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/caf%C3%A9", "/caf\u00c3\u00a9", ""),
        ("/caf\u00e9", "/caf\u00e9", ""),
        ("/a%2Fb", "/a/b", ""),
        ("/a%20b+c", "/a b+c", ""),
        ("/%zz%", "/%zz%", ""),
        ("/?a=%2F%C3%A9", "/", "a=%2F%C3%A9"),
        ("/a?b?c", "/a", "b?c"),
        ("//b.example/a", "//b.example/a", ""),
        ("/;p=1", "/;p=1", ""),
    ],
)
def test_the_path_is_decoded_to_latin1(
    live: LiveServer, target: str, path: str, query: str
) -> None:
    environ = get(live, target)
    assert environ["PATH_INFO"] == path
    assert environ["QUERY_STRING"] == query
    assert environ["REQUEST_URI"] == target


def test_an_absolute_target_replaces_the_host(live: LiveServer) -> None:
    environ = ask(live, "GET http://b.example:81/x?y HTTP/1.1\nHost: a.example\n\n")
    assert environ["HTTP_HOST"] == "b.example:81"
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/x", "y")


def test_an_absolute_target_without_a_path(live: LiveServer) -> None:
    assert ask(live, "GET http://b.example HTTP/1.1\nHost: a\n\n")["PATH_INFO"] == "/"


def test_options_of_the_whole_server(live: LiveServer) -> None:
    environ = ask(live, "OPTIONS * HTTP/1.1\nHost: a\n\n")
    assert (environ["PATH_INFO"], environ["REQUEST_URI"]) == ("", "*")


@pytest.mark.parametrize(
    "request_line",
    ["GET * HTTP/1.1", "GET a/b HTTP/1.1", "CONNECT a:80 HTTP/1.1", "GET ftp://a/b HTTP/1.1"],
)
def test_other_targets_are_refused(live: LiveServer, request_line: str) -> None:
    with live.connect() as client:
        client.send(f"{request_line}\nHost: a\n\n")
        response = client.read_response()
        assert response.status == 400
        assert b"expected a target that starts with /" in response.body
        assert client.read_to_end() == b""


@pytest.mark.parametrize("host", ["[::1]:8000", "[::1]", "xn--bcher-kva.example", "1.2.3.4"])
def test_hosts(live: LiveServer, host: str) -> None:
    assert ask(live, f"GET / HTTP/1.1\nHost: {host}\n\n")["HTTP_HOST"] == host


@pytest.mark.parametrize("hosts", ["", "Host: a\nHost: a\n", "Host: a\nHost: b\n"])
def test_one_host_is_required(live: LiveServer, hosts: str) -> None:
    with live.connect() as client:
        client.send(f"GET / HTTP/1.1\n{hosts}\n")
        assert client.read_response().status == 400


def test_http_1_0_needs_no_host(live: LiveServer) -> None:
    environ = ask(live, "GET / HTTP/1.0\n\n")
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.0"
    assert "HTTP_HOST" not in environ


def test_repeated_headers_are_joined(live: LiveServer) -> None:
    environ = get(live, "/", "X-A: 1", "Cookie: a=1", "X-A: 2", "Cookie: b=2")
    assert environ["HTTP_X_A"] == "1,2"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"


def test_header_values_are_latin1(live: LiveServer) -> None:
    assert get(live, "/", "X-A: caf\u00e9")["HTTP_X_A"] == "caf\u00e9"


def test_headers_with_an_underscore_are_dropped(live: LiveServer) -> None:
    environ = get(live, "/", "X_User: root", "Content_Length: 5", "X-User: me")
    assert environ["HTTP_X_USER"] == "me"
    assert "HTTP_CONTENT_LENGTH" not in environ
    assert "CONTENT_LENGTH" not in environ


FORWARDED = {
    "Forwarded": "for=1.2.3.4",
    "X-Forwarded-For": "1.2.3.4",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Proto": "https",
    "X-Real-IP": "1.2.3.4",
    "X-Scheme": "https",
}


@pytest.mark.parametrize("trusted", [True, False])
def test_forwarded_headers_count_from_trusted_peers_only(serve: Serve, trusted: bool) -> None:
    live = serve(tell, trusted_proxies=["127.0.0.1" if trusted else "10.0.0.1"])
    environ = get(live, "/", *(f"{name}: {value}" for name, value in FORWARDED.items()))
    for name, value in FORWARDED.items():
        key = "HTTP_" + name.upper().replace("-", "_")
        assert environ.get(key) == (value if trusted else None)
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["wsgi.url_scheme"] == "http"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no unix sockets")
def test_a_unix_socket_is_trusted(serve: Serve, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    listen = socket.socket(socket.AF_UNIX)
    listen.bind(path)
    listen.listen()
    serve(tell, listen=listen, trusted_proxies=[])
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    with Client(sock) as client:
        environ = json.loads(client.get("/", "X-Forwarded-For: 1.2.3.4").body)
    assert environ["HTTP_X_FORWARDED_FOR"] == "1.2.3.4"
    assert environ["REMOTE_ADDR"] == ""
