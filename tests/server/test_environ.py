"""``environ``, by PEP 3333 and RFC 9110."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from c10kws_tornado import Server
from tests.support.peers import Client
from tests.support.servers import LiveServer

Serve = Callable[..., LiveServer]


def tell(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Respond with the values of the environ that are serializable."""
    start_response("200 OK", [("Content-Type", "application/json")])
    kinds = (str, bool, tuple)
    return [json.dumps({k: v for k, v in environ.items() if isinstance(v, kinds)}).encode()]


def ask(live: LiveServer, request: str) -> dict[str, Any]:
    with live.client() as client:
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
    with live.client() as client:
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


def test_a_tunnel_is_refused(live: LiveServer) -> None:
    with live.client() as client:
        client.send("CONNECT /a HTTP/1.1\nHost: a\n\n")
        response = client.read_response()
        assert (response.status, response.body) == (400, b"Bad request: CONNECT is for proxies.\n")
        assert client.read_to_end() == b""


@pytest.mark.parametrize(
    "request_line", ["GET * HTTP/1.1", "GET a/b HTTP/1.1", "GET ftp://a/b HTTP/1.1"]
)
def test_other_targets_are_refused(live: LiveServer, request_line: str) -> None:
    with live.client() as client:
        client.send(f"{request_line}\nHost: a\n\n")
        response = client.read_response()
        assert response.status == 400
        assert b"the request target must start with /" in response.body
        assert client.read_to_end() == b""


@pytest.mark.parametrize("host", ["[::1]:8000", "[::1]", "xn--bcher-kva.example", "1.2.3.4"])
def test_hosts(live: LiveServer, host: str) -> None:
    assert ask(live, f"GET / HTTP/1.1\nHost: {host}\n\n")["HTTP_HOST"] == host


@pytest.mark.parametrize("hosts", ["", "Host: a\nHost: a\n", "Host: a\nHost: b\n"])
def test_one_host_is_required(live: LiveServer, hosts: str) -> None:
    with live.client() as client:
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
    "X-Forwarded-User": "root",
    "X-Forwarded-Email": "root@example.com",
    "X-Forwarded-Client-Cert": "Hash=1",
    "x-forwarded-anything": "1",
    "X-Real-IP": "1.2.3.4",
    "X-Client-IP": "1.2.3.4",
    "X-Cluster-Client-IP": "1.2.3.4",
    "True-Client-IP": "1.2.3.4",
    "CF-Connecting-IP": "1.2.3.4",
    "X-Original-URL": "/admin/",
    "X-Original-Host": "evil.example",
    "X-Rewrite-URL": "/admin/",
    "X-Scheme": "https",
    "X-SSL-Client-Verify": "SUCCESS",
    "X-SSL-Cert": "A",
    "Client-Cert": ":AA==:",
    "Client-Cert-Chain": ":AA==:",
    "Remote-User": "root",
    "X-Remote-User": "root",
    "X-Auth-Request-User": "root",
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


def test_what_a_client_may_say_of_itself_is_kept(serve: Serve) -> None:
    environ = get(serve(tell, trusted_proxies=[]), "/", "Via: 1.1 a", "X-Forward: 1", "Client: 2")
    assert environ["HTTP_VIA"] == "1.1 a"
    assert (environ["HTTP_X_FORWARD"], environ["HTTP_CLIENT"]) == ("1", "2")


@pytest.mark.parametrize(
    ("entries", "trusted"),
    [
        (["10.0.0.1", " 127.0.0.1 "], True),
        (["127.0.0.0/8"], True),
        (["::ffff:127.0.0.0/104"], True),
        (["::ffff:127.0.0.1"], True),
        (["0.0.0.0/0"], True),
        (["10.0.0.0/8", "::/0"], False),
        ([], False),
    ],
)
def test_a_trusted_proxy_is_an_address_or_a_network(
    serve: Serve, entries: list[str], trusted: bool
) -> None:
    environ = get(serve(tell, trusted_proxies=entries), "/", "X-Forwarded-For: 1.2.3.4")
    assert ("HTTP_X_FORWARDED_FOR" in environ) is trusted


@pytest.mark.parametrize("entries", [["127.0.0.1"], ["127.0.0.0/8"]])
def test_a_trusted_proxy_that_comes_in_by_ipv6(serve: Serve, entries: list[str]) -> None:
    """A socket for both families reports an IPv4 peer as ``::ffff:127.0.0.1``."""
    listen = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    serve(tell, listen=listen, trusted_proxies=entries)
    with Client(socket.create_connection(("127.0.0.1", listen.getsockname()[1]))) as client:
        environ = json.loads(client.get("/", "X-Forwarded-For: 1.2.3.4").body)
    assert environ["REMOTE_ADDR"] == "::ffff:127.0.0.1"
    assert environ["HTTP_X_FORWARDED_FOR"] == "1.2.3.4"


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        (["localhost"], "'localhost' is not a valid trusted proxy"),
        ([""], "Use an address or a network"),
        (["10.0.0.1/8"], "10.0.0.1/8 has host bits set"),
        ([10], "10 is not a valid trusted proxy"),
        ("127.0.0.1", "must be a list of addresses"),
    ],
)
def test_nonsense_among_the_trusted_proxies_is_refused(entries: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Server(tell, trusted_proxies=entries)


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
