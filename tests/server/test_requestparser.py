"""Bytes as requests, whole and byte by byte."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from c10kws_tornado.http.chunkedbody import MAX_IGNORED, MAX_LINE
from c10kws_tornado.http.requesthead import BadRequest, RequestHead
from c10kws_tornado.http.requestparser import END, HeadTooLarge, RequestParser

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def requests(
    pieces: Iterable[bytes], parser: RequestParser | None = None
) -> list[tuple[str, bytes]]:
    """Return the target and the body of each complete request."""
    parser = RequestParser(1000)
    found: list[tuple[str, bytes]] = []
    target, body = "", b""
    for piece in pieces:
        parser.receive_data(piece)
        while (event := parser.next_event()) is not None:
            if isinstance(event, RequestHead):
                event.check()
                parser.begin_body(event)
                target, body = event.start_line.path, b""
            elif event is END:
                found.append((target, body))
                parser.next_request()
            else:
                assert isinstance(event, bytes)
                body += event
    return found


def both_ways(data: bytes) -> list[tuple[str, bytes]]:
    """Parse the data whole and byte by byte; both must give the same."""
    whole = requests([data])
    assert requests(bytes([byte]) for byte in data) == whole
    return whole


def assert_malformed(data: bytes) -> None:
    for pieces in ([data], [bytes([byte]) for byte in data]):
        with pytest.raises(BadRequest):
            requests(pieces)


def test_requests_one_after_another() -> None:
    chunks = b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX-A: 1\r\n\r\n"
    assert both_ways(GET + POST + CHUNKED + chunks + b"\r\n" + GET) == [
        ("/a", b""),
        ("/b", b"hello"),
        ("/c", b"abc0123456789"),
        ("/a", b""),
    ]


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\n\r\n", b"\r\n\n"])
def test_the_end_of_a_head(end: bytes) -> None:
    head = b"GET /a HTTP/1.1\r\nHost: a" + end
    assert both_ways(head + GET) == [("/a", b""), ("/a", b"")]


def test_what_follows_a_request_waits_for_the_next() -> None:
    parser = RequestParser(1000)
    parser.receive_data(GET + b"early")
    head = parser.next_event()
    assert isinstance(head, RequestHead)
    parser.begin_body(head)
    assert parser.next_event() is END
    parser.receive_data(b" bytes")
    assert parser.next_event() is None
    assert parser.take_rest() == b"early bytes"
    assert not parser.buffer


def test_a_head_without_an_end() -> None:
    parser = RequestParser(1000)
    parser.receive_data(b"GET / HTTP/1.1\r\nX-A: " + b"a" * 970)
    assert parser.next_event() is None
    parser.receive_data(b"a" * 20)
    with pytest.raises(HeadTooLarge):
        parser.next_event()


@pytest.mark.parametrize(
    "chunks",
    [
        b"0\r\n\r\n",
        b"0000000000000000\r\n\r\n",
        b"1;" + b"x" * 4000 + b"\r\na\r\n0\r\n\r\n",
        b'1 ; a="b;c"\r\na\r\n0;x\r\nX: y\r\nZ: y\r\n\r\n',
    ],
)
def test_chunks(chunks: bytes) -> None:
    ((target, body), follower) = both_ways(CHUNKED + chunks + GET)
    assert target == "/c"
    assert body in (b"", b"a")
    assert follower == ("/a", b"")


@pytest.mark.parametrize(
    "chunks",
    [
        b"x\r\n",
        b"\r\n",
        b"-1\r\na\r\n",
        b"0x1\r\na\r\n",
        b"1_0\r\na\r\n",
        b"1 \r\na\r\n",
        b" 1\r\na\r\n",
        b"1\r\nab\r\n",
        b"1\r\na\n0\r\n\r\n",
        b"1\r\na\r\r\n0\r\n\r\n",
        b"1\nx\r\n",
        b"1;a\nb\r\nx\r\n0\r\n\r\n",
        b"1;a\rb\r\nx\r\n0\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\nX-A: 1\nX-B: 2\r\n\r\n",
        b"1;" + b"x" * (MAX_LINE + 1),
        b"0\r\n" + b"X-A: 1234\r\n" * (MAX_IGNORED // 9 + 1) + b"\r\n",
    ],
)
def test_malformed_chunks(chunks: bytes) -> None:
    assert_malformed(CHUNKED + chunks)
