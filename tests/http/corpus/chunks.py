"""The chunked transfer coding: RFC 9112 §7.1."""

from __future__ import annotations

from .case import case, got

POST = "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n"
NEXT = "GET /next HTTP/1.1\nHost: a\n\n"
TWO = (got("/", "hello"), got("/next"))

CASES = (
    case("9112 §7.1", "one chunk", POST + "5\nhello\n0\n\n" + NEXT, *TWO),
    case("9112 §7.1", "chunks", POST + "2\nhe\n1\nl\n2\nlo\n0\n\n" + NEXT, *TWO),
    case(
        "9112 §7.1", "no chunk", POST + "0\n\n" + NEXT, got("/", CONTENT_LENGTH="0"), got("/next")
    ),
    case("9112 §7.1", "leading zeros", POST + "0005\nhello\n000\n\n" + NEXT, *TWO),
    case(
        "9112 §7.1",
        "digits in both cases",
        POST + "A\n0123456789\na\n0123456789\n0\n\n",
        got("/", "01234567890123456789"),
    ),
    case(
        "9112 §7.1",
        "line ends in a chunk",
        POST + "4\n\n\n\n0\n\n" + NEXT,
        got("/", "\n\n"),
        got("/next"),
    ),
    case(
        "9112 §7.1",
        "a chunk that looks like the end",
        POST + "5\n0\n\n\n0\n\n" + NEXT,
        got("/", "0\n\n"),
        got("/next"),
    ),
    case("9112 §7.1", "an empty size", POST + "\nhello\n0\n\n", 400),
    case("9112 §7.1", "a size that is no number", POST + "g\nhello\n0\n\n", 400),
    case("9112 §7.1", "0x", POST + "0x5\nhello\n0\n\n", 400),
    case("9112 §7.1", "a plus sign", POST + "+5\nhello\n0\n\n", 400),
    case("9112 §7.1", "a minus sign", POST + "-5\nhello\n0\n\n", 400),
    case("9112 §7.1", "an underscore", POST + "0_5\nhello\n0\n\n", 400),
    case("9112 §7.1", "a space before a size", POST + " 5\nhello\n0\n\n", 400),
    case("9112 §7.1", "a space after a size", POST + "5 \nhello\n0\n\n", 400),
    case("9112 §7.1", "NUL after a size", POST + "5<NUL>\nhello\n0\n\n", 400),
    case("9112 §7.1", "a size over the limit", POST + "fffffff\n<x*11000>", 413),
    case(
        "9112 §7.1", "a size over 64 bits", POST + "10000000000000005\nhello\n0\n\n<x*11000>", 413
    ),
    case("9112 §7.1", "a bare LF after a size", POST + "5<LF>hello\n0\n\n", 400),
    case("9112 §7.1", "a bare CR after a size", POST + "5<CR>hello\n0\n\n", 400),
    case("9112 §7.1", "a bare LF after a chunk", POST + "5\nhello<LF>0\n\n", 400),
    case("9112 §7.1", "no line end after a chunk", POST + "5\nhello0\n\n", 400),
    case("9112 §7.1", "a chunk longer than its size", POST + "4\nhello\n0\n\n", 400),
    case("9112 §7.1", "a bare LF after the last chunk", POST + "5\nhello\n0<LF><LF>" + NEXT, 400),
    case("9112 §7.1", "a bare LF at the end", POST + "5\nhello\n0\n<LF>" + NEXT, 400),
    case("9112 §7.1", "a request instead of the end", POST + "5\nhello\n0\n" + NEXT, 400),
    case("9112 §8", "a truncated chunk is no request", POST + "5\nhell"),
    case("9112 §8", "a body without the last chunk is no request", POST + "5\nhello\n"),
    case("9112 §7.1.1", "an extension", POST + "5;a\nhello\n0\n\n" + NEXT, *TWO),
    case(
        "9112 §7.1.1",
        "an extension with a value",
        POST + "5;a=b;c=d\nhello\n0;e=f\n\n" + NEXT,
        *TWO,
    ),
    case("9112 §7.1.1", "a quoted value", POST + '5;a="b;c"\nhello\n0\n\n' + NEXT, *TWO),
    case(
        "9112 §7.1.1", "white space before an extension", POST + "5 ;a\nhello\n0\n\n" + NEXT, *TWO
    ),
    case(
        "9112 §7.1.1",
        "an extension of 3,000 octets",
        POST + "5;<x*3000>\nhello\n0\n\n" + NEXT,
        *TWO,
    ),
    case("9112 §7.1.1", "an excessive extension", POST + "5;<x*5000>\nhello\n0\n\n", 400),
    case("9112 §7.1.1", "excessive extensions", POST + "1;<x*4000>\na\n" * 17 + "0\n\n", 400),
    case("9112 §7.1.1", "a bare LF in an extension", POST + "5;a<LF>b\nhello\n0\n\n", 400),
    case("9112 §7.1.1", "a bare CR in an extension", POST + "5;a<CR>b\nhello\n0\n\n", 400),
    case(
        "9112 §7.1.1",
        "NUL in an extension",
        POST + "5;a<NUL>b\nhello\n0\n\n",
        400,
    ),
    case(
        "9112 §7.1.2",
        "trailers are discarded",
        POST + "5\nhello\n0\nX-A: b\nContent-Length: 9\n\n" + NEXT,
        got("/", "hello", HTTP_X_A=None, CONTENT_LENGTH="5"),
        got("/next"),
    ),
    case(
        "9112 §7.1.2",
        "lengths in trailers are no framing",
        POST + "0\nContent-Length: 1\nContent-Length: 2\n\n" + NEXT,
        got(),
        got("/next"),
    ),
    case("9112 §7.1.2", "a trailer without a colon", POST + "5\nhello\n0\nnonsense\n\n", 400),
    case("9112 §7.1.2", "a request as trailers", POST + "0\nGET /x HTTP/1.1\nHost: a\n\n", 400),
    case("9112 §7.1.2", "a bare LF in a trailer", POST + "0\nX-A: b<LF>X-B: c\n\n", 400),
    case("9112 §7.1.2", "a bare CR in a trailer", POST + "0\nX-A: b<CR>c\n\n", 400),
    case(
        "9112 §5.1",
        "a space before the colon of a trailer",
        POST + "0\nX-A : b\n\n",
        400,
    ),
    case("9110 §5.5", "NUL in a trailer", POST + "0\nX-A: b<NUL>\n\n", 400),
    case("9112 §7.1.2", "an excessive trailer", POST + "0\nX-A: <x*5000>\n\n", 400),
    case("9112 §7.1.2", "excessive trailers", POST + "0\n" + "X-A: <x*4000>\n" * 17 + "\n", 400),
)
