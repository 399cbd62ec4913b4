"""Kept connections, expectations and upgrades: RFC 9112 §9, RFC 9110 §7.6.1, §7.8 and §10.1.1."""

from __future__ import annotations

from .case import CLOSED, case, got

GET = "GET /{} HTTP/1.1\nHost: a\n"
A, B, C = (GET.format(path) for path in "abc")
POST = "POST /a HTTP/1.1\nHost: a\nContent-Length: 5\n"
UPGRADE = "Connection: Upgrade\nUpgrade: echo\n"

CASES = (
    case("9112 §9.3", "HTTP/1.1 is kept", A + "\n" + B + "\n", got("/a"), got("/b")),
    case("9112 §9.3", "HTTP/1.0 is not kept", "GET /a HTTP/1.0\n\n" + B + "\n", got("/a"), CLOSED),
    case(
        "9112 §9.3",
        "HTTP/1.0 is kept on request",
        "GET /a HTTP/1.0\nConnection: keep-alive\n\n" + B + "\n",
        got("/a"),
        got("/b"),
    ),
    case(
        "9112 §9.3",
        "a body in a kept HTTP/1.0",
        "POST /a HTTP/1.0\nConnection: Keep-Alive\nContent-Length: 5\n\nhello" + B + "\n",
        got("/a", "hello"),
        got("/b"),
    ),
    case(
        "9112 §9.3",
        "HTTP/1.0 is kept on request, then closed",
        "GET /a HTTP/1.0\nConnection: keep-alive\n\nGET /b HTTP/1.0\n\n",
        got("/a"),
        got("/b"),
        CLOSED,
    ),
    case(
        "9112 §9.6",
        "close in a second field of a kept HTTP/1.0",
        "GET /a HTTP/1.0\nConnection: keep-alive\nConnection: close\n\n" + B + "\n",
        got("/a"),
        CLOSED,
    ),
    case(
        "9112 §9.6",
        "nothing is read after close",
        A + "Connection: close\n\n" + B + "\n",
        got("/a"),
        CLOSED,
    ),
    case(
        "9112 §9.6",
        "close in a list",
        A + "Connection: keep-alive, Close\n\n" + B + "\n",
        got("/a"),
        CLOSED,
    ),
    case(
        "9112 §9.6",
        "close in a second field",
        A + "Connection: x\nConnection: close\n\n" + B + "\n",
        got("/a"),
        CLOSED,
    ),
    case(
        "9112 §9.6",
        "close with a body",
        POST + "Connection: close\n\nhello" + B + "\n",
        got("/a", "hello"),
        CLOSED,
    ),
    case(
        "9112 §9.6",
        "close and keep-alive in HTTP/1.0",
        "GET /a HTTP/1.0\nConnection: keep-alive, close\n\n" + B + "\n",
        got("/a"),
        CLOSED,
    ),
    case(
        "9112 §9.3.2",
        "requests are answered in order",
        A + "\n" + POST + "\nhello" + C + "\n",
        got("/a"),
        got("/a", "hello"),
        got("/c"),
    ),
    case(
        "9112 §9.3.2",
        "nothing is read after a refusal",
        A + "\n" + "nonsense\n\n" + B + "\n",
        got("/a"),
        400,
    ),
    case(
        "9112 §9.3.2",
        "a refused body is not read",
        A + "\n" + GET.format("x").replace("Host", "X") + "Content-Length: 30\n\n" + B + "\n",
        got("/a"),
        400,
    ),
    case(
        "9112 §8",
        "a truncated head is no request",
        A + "\n" + "GET /b HTTP/1.1\nHost: a\n",
        got("/a"),
    ),
    case(
        "9110 §10.1.1",
        "100-continue",
        POST + "Expect: 100-continue\n\nhello" + B + "\n",
        got("/a", "hello"),
        got("/b"),
    ),
    case(
        "9110 §10.1.1",
        "100-continue has no case",
        POST + "Expect: 100-Continue\n\nhello" + B + "\n",
        got("/a", "hello"),
        got("/b"),
    ),
    case(
        "9110 §10.1.1",
        "100-continue in HTTP/1.0",
        "POST /a HTTP/1.0\nExpect: 100-continue\nContent-Length: 5\n\nhello",
        got("/a", "hello"),
        CLOSED,
    ),
    case(
        "9110 §10.1.1",
        "100-continue without a body",
        A + "Expect: 100-continue\n\n" + B + "\n",
        got("/a"),
        got("/b"),
    ),
    case(
        "9110 §10.1.1",
        "a server may ignore other expectations",
        POST + "Expect: x\n\nhello" + B + "\n",
        got("/a", "hello"),
        got("/b"),
    ),
    case(
        "9110 §10.1.1",
        "a body follows though it is refused",
        "POST /a HTTP/1.1\nExpect: 100-continue\nContent-Length: 30\n\n" + B + "\n",
        400,
    ),
    case("9110 §7.8", "an upgrade", A + UPGRADE + "\n", got("/a"), b""),
    case(
        "9110 §7.8",
        "early bytes belong to the new protocol",
        A + UPGRADE + "\n" + B + "\n",
        got("/a"),
        B.replace("\n", "\r\n").encode() + b"\r\n",
    ),
    case(
        "9110 §7.8",
        "an upgrade after other requests",
        B + "\n" + POST + "\nhello" + A + UPGRADE + "\nearly",
        got("/b"),
        got("/a", "hello"),
        got("/a"),
        b"early",
    ),
    case(
        "9110 §7.8",
        "an upgrade that nothing accepts",
        A + "Connection: Upgrade\nUpgrade: x\n\n" + B + "\n",
        got("/a"),
        got("/b"),
    ),
    case(
        "9110 §7.8",
        "an upgrade without its Connection option",
        A + "Upgrade: echo\n\n" + B + "\n",
        got("/a"),
        got("/b"),
    ),
    case(
        "9110 §7.8",
        "an upgrade in HTTP/1.0",
        "GET /a HTTP/1.0\n" + UPGRADE + "\n" + B + "\n",
        got("/a"),
        CLOSED,
    ),
    case(
        "9110 §7.8",
        "an upgrade with a body",
        POST + UPGRADE + "\nhello" + B + "\n",
        got("/a", "hello"),
        got("/b"),
    ),
    case("9110 §9.3.2", "HEAD", "HEAD /a HTTP/1.1\nHost: a\n\n" + B + "\n", got("/a"), got("/b")),
)
