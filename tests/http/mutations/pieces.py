"""Parts of mutations."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

#: Returns a mutation.
Family = Callable[[Random], bytes]
#: The request that is hidden in a body, and the one that follows the body.
INNER = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
NEXT = b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n"
#: Both framings of a body.
SIZE = b"%d" % len(INNER)
CHUNK = b"%x" % len(INNER)
CHUNKED = CHUNK + b"\r\n" + INNER + b"\r\n0\r\n\r\n"
LENGTH = b"Content-Length: " + SIZE
CODING = b"Transfer-Encoding: chunked"
HOST = b"Host: a"
#: Characters that parsers treat as white space, as an end, or not at all.
ODD = [bytes([i]) for i in range(33)] + [b"\x7f", b"\x85", b"\xa0", b"\xff", b"\xe2\x80\x89"]
#: Fields that change nothing.
FILLERS = [b"X-A: b", b"Accept: */*", b"Cookie: a=b", b"Connection: keep-alive", b"X_A: b"]
#: Ends of lines, instead of CRLF.
ENDS = [
    b"\n",
    b"\r",
    b"\r\r\n",
    b"\n\r",
    b"\n\n",
    b"\n\r\n",
    b"\r\n\r",
    b"\0\r\n",
    b" \r\n",
    b"\r \n",
    b"\v\r\n",
]
#: All families, by name.
FAMILIES: dict[str, Family] = {}


def family(function: Family) -> Family:
    """Register a family by the name of its function."""
    FAMILIES[function.__name__] = function
    return function


def message(
    random: Random, fields: list[bytes], body: bytes, line: bytes = b"POST /a HTTP/1.1"
) -> bytes:
    """Return a message with the fields in this order, among others."""
    fields = [*fields]
    for filler in [HOST, *random.sample(FILLERS, random.randrange(3))]:
        fields.insert(random.randrange(len(fields) + 1), filler)
    return line + b"\r\n" + b"".join(each + b"\r\n" for each in fields) + b"\r\n" + body


def recase(random: Random, text: bytes) -> bytes:
    """Return the text with the case of its letters changed."""
    cased = (random.choice([chr(c).lower(), chr(c).upper(), chr(c)]) for c in text)
    return "".join(cased).encode()


def insert(random: Random, text: bytes, piece: bytes, start: int = 0) -> bytes:
    """Return the text with a piece inserted anywhere from ``start`` on."""
    place = random.randrange(start, len(text) + 1)
    return text[:place] + piece + text[place:]


def bad_number(random: Random, number: bytes) -> bytes:
    """Return a number that is none, another spelling of it, or a list."""
    odd = random.choice(ODD)
    ends = [b".0", b"e0", b"L", b";", b"," + number, b", 0", b"," + odd, odd]
    starts = [b"+", b"-", b"0x", b"0, ", b"0" * random.randrange(1, 30), odd]
    overflow = 2 ** random.choice([16, 31, 32, 53, 63, 64, 65, 128]) + int(number, 16)
    return random.choice(
        [
            *(number + end for end in ends),
            *(start + number for start in starts),
            *(number[:1] + middle + number[1:] for middle in (b"_", b" ", odd)),
            b'"' + number + b'"',
            b"%d" % overflow,
            b"",
            b"\xb2\xb9",
            "٣٥".encode(),
        ]
    )


def bad_name(random: Random, name: bytes) -> bytes:
    """Return a line's beginning that is invalid and that other parsers may read as the name."""
    odd = random.choice(ODD[:-5])
    return random.choice(
        [
            name + b" :",
            name + b"\t:",
            name + odd + b":",
            insert(random, name, odd, 1) + b":",
            name + b"\0:",
            name.replace(b"-", b" ") + b":",
            name + b" ",
            name + b"=",
            name + b"[]:",
            b'"' + name + b'":',
            name + b"\xff:",
        ]
    )
