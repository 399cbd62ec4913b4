"""The length of a body: RFC 9112 §6, RFC 9110 §8.6."""

from __future__ import annotations

from .case import case, got

POST = "POST / HTTP/1.1\nHost: a\n"
NEXT = "GET /next HTTP/1.1\nHost: a\n\n"
TWO = (got("/", "hello", CONTENT_LENGTH="5"), got("/next", CONTENT_LENGTH=None))

CASES = (
    case(
        "9112 §2.2",
        "a head ends with its first empty line",
        POST + "Content-Length: 7<LF><LF>\nhello" + NEXT,
        got("/", "\nhello"),
        got("/next"),
    ),
    case(
        "9112 §2.2",
        "a bare LF before the empty line",
        POST + "Content-Length: 5<LF>\nhello" + NEXT,
        *TWO,
    ),
    case(
        "9112 §2.2",
        "a bare LF as the empty line",
        POST + "Content-Length: 5\n<LF>hello" + NEXT,
        *TWO,
    ),
    case(
        "9112 §6.3 rule 7",
        "no length is no body",
        POST + "\n" + NEXT,
        got("/", CONTENT_LENGTH=None),
        got("/next"),
    ),
    case("9112 §6.3 rule 6", "Content-Length", POST + "Content-Length: 5\n\nhello" + NEXT, *TWO),
    case(
        "9112 §6.3 rule 6",
        "Content-Length 0",
        POST + "Content-Length: 0\n\n" + NEXT,
        got("/", CONTENT_LENGTH="0"),
        got("/next"),
    ),
    case(
        "9110 §9.3.1",
        "a GET with a body",
        "GET / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello" + NEXT,
        *TWO,
    ),
    case(
        "9110 §9.3.2",
        "a HEAD with a body",
        "HEAD / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello" + NEXT,
        *TWO,
    ),
    case("9110 §8.6", "leading zeros", POST + "Content-Length: 005\n\nhello" + NEXT, *TWO),
    case(
        "9110 §8.6",
        "many leading zeros",
        POST + "Content-Length: <0*25>5\n\nhello" + NEXT,
        *TWO,
    ),
    case(
        "9112 §6.3 rule 5",
        "a list of equal lengths",
        POST + "Content-Length: 5, 5\n\nhello" + NEXT,
        *TWO,
    ),
    case(
        "9112 §6.3 rule 5",
        "two equal Content-Lengths",
        POST + "Content-Length: 5\nContent-Length: 5\n\nhello" + NEXT,
        *TWO,
    ),
    case(
        "9112 §6.3 rule 5",
        "two different Content-Lengths",
        POST + "Content-Length: 5\nContent-Length: 0\n\nhello",
        400,
    ),
    case(
        "9112 §6.3 rule 5",
        "a list of different lengths",
        POST + "Content-Length: 5, 0\n\nhello",
        400,
    ),
    case(
        "9112 §6.3 rule 5",
        "a list with an empty element",
        POST + "Content-Length: 5,\n\nhello",
        400,
    ),
    case(
        "9112 §6.3 rule 5",
        "lengths that are equal as numbers only",
        POST + "Content-Length: 5, 05\n\nhello",
        400,
    ),
    case("9112 §6.3 rule 5", "an empty length", POST + "Content-Length:\n\nhello", 400),
    case("9112 §6.3 rule 5", "a negative length", POST + "Content-Length: -5\n\nhello", 400),
    case("9112 §6.3 rule 5", "a plus sign", POST + "Content-Length: +5\n\nhello", 400),
    case("9112 §6.3 rule 5", "a hexadecimal length", POST + "Content-Length: 0x5\n\nhello", 400),
    case("9112 §6.3 rule 5", "a fraction", POST + "Content-Length: 5.0\n\nhello", 400),
    case("9112 §6.3 rule 5", "an exponent", POST + "Content-Length: 5e0\n\nhello", 400),
    case(
        "9112 §6.3 rule 5", "an underscore in a number", POST + "Content-Length: 0_5\n\nhello", 400
    ),
    case("9112 §6.3 rule 5", "a space in a number", POST + "Content-Length: 0 5\n\nhello", 400),
    case("9112 §6.3 rule 5", "a letter after a number", POST + "Content-Length: 5a\n\nhello", 400),
    case("9112 §6.3 rule 5", "quoted", POST + 'Content-Length: "5"\n\nhello', 400),
    case("9112 §6.3 rule 5", "a superscript digit", POST + "Content-Length: \xb2\n\nhello", 400),
    case("9112 §6.3 rule 5", "NUL after a number", POST + "Content-Length: 5<NUL>\n\nhello", 400),
    case(
        "9110 §8.6",
        "white space around a number",
        POST + "Content-Length:<TAB>5 \n\nhello" + NEXT,
        *TWO,
    ),
    case("9110 §15.5.14", "a length over the limit", POST + "Content-Length: 10001\n\nhello", 413),
    case(
        "9110 §8.6",
        "a length over 64 bits",
        POST + "Content-Length: 18446744073709551621\n\nhello",
        413,
    ),
    case("9110 §8.6", "a length of 5,000 digits", POST + "Content-Length: <1*5000>\n\nhello", 413),
    case("9112 §6.3 rule 6", "a truncated body is no request", POST + "Content-Length: 5\n\nhell"),
    case(
        "9112 §6.3 rule 3",
        "Transfer-Encoding and Content-Length",
        POST + "Content-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n",
        400,
    ),
    case(
        "9112 §6.3 rule 3",
        "Content-Length after Transfer-Encoding",
        POST + "Transfer-Encoding: chunked\nContent-Length: 0\n\n5\nhello\n0\n\n",
        400,
    ),
    case(
        "9112 §6.3 rule 4",
        "another coding than chunked",
        POST + "Transfer-Encoding: gzip\n\n5\nhello\n0\n\n",
        400,
    ),
    case("9112 §6.3 rule 4", "identity", POST + "Transfer-Encoding: identity\n\nhello", 400),
    case(
        "9112 §6.3 rule 4",
        "chunked is not the last coding",
        POST + "Transfer-Encoding: chunked, gzip\n\n0\n\n",
        400,
    ),
    case(
        "9112 §6.1",
        "a second coding before chunked",
        POST + "Transfer-Encoding: gzip, chunked\n\n0\n\n",
        400,
    ),
    case("9112 §6.1", "chunked twice", POST + "Transfer-Encoding: chunked, chunked\n\n0\n\n", 400),
    case(
        "9112 §6.1",
        "chunked in two fields",
        POST + "Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n0\n\n",
        400,
    ),
    case(
        "9112 §6.1",
        "chunked and another field",
        POST + "Transfer-Encoding: chunked\nTransfer-Encoding: x\n\n0\n\n",
        400,
    ),
    case("9112 §6.1", "an empty coding", POST + "Transfer-Encoding:\n\n0\n\n", 400),
    case("9112 §6.1", "an unknown coding", POST + "Transfer-Encoding: xchunked\n\n0\n\n", 400),
    case(
        "9112 §6.1",
        "a vertical tab before chunked",
        POST + "Transfer-Encoding: <VT>chunked\n\n0\n\n",
        400,
    ),
    case(
        "9112 §7", "chunked with a parameter", POST + "Transfer-Encoding: chunked;q=1\n\n0\n\n", 400
    ),
    case(
        "9112 §7",
        "codings have no case",
        POST + "Transfer-Encoding: ChunKeD\n\n5\nhello\n0\n\n" + NEXT,
        *TWO,
    ),
    case(
        "9112 §6.1",
        "Transfer-Encoding in HTTP/1.0",
        "POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n",
        400,
    ),
    case(
        "9112 §6.1",
        "Transfer-Encoding in a kept HTTP/1.0",
        "POST / HTTP/1.0\nConnection: keep-alive\nTransfer-Encoding: chunked\n\n0\n\n",
        400,
    ),
    case(
        "9112 §6.1",
        "the application learns of no Transfer-Encoding",
        POST + "Transfer-Encoding: chunked\n\n5\nhello\n0\n\n",
        got("/", "hello", HTTP_TRANSFER_ENCODING=None, CONTENT_LENGTH="5"),
    ),
)
