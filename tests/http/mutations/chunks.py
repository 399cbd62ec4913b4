"""Mutations of the chunked transfer coding: RFC 9112 §7.1."""

from __future__ import annotations

from random import Random

from .pieces import (
    CHUNK,
    CHUNKED,
    CODING,
    ENDS,
    INNER,
    LENGTH,
    NEXT,
    ODD,
    bad_number,
    family,
    message,
    recase,
)


@family
def chunk_sizes(random: Random) -> bytes:
    size = bad_number(random, CHUNK)
    before = random.choice([b"", b"", b"1\r\nx\r\n", b"3;a\r\nxyz\r\n"])
    body = before + size + b"\r\n" + INNER + b"\r\n0\r\n\r\n"
    return message(random, [CODING], body) + NEXT


@family
def chunk_ends(random: Random) -> bytes:
    end = random.choice(ENDS)
    last = random.choice(
        [b"0", b"00", b"0;a", b"0 ", b"-0", b"0x0", b"", random.choice(ODD) + b"0"]
    )
    parts = [CHUNK, b"\r\n", INNER, b"\r\n", last, b"\r\n", b"\r\n"]
    if last == b"0" or random.random() < 0.5:
        parts[random.choice([1, 3, 5, 6])] = end
    return message(random, [CODING], b"".join(parts)) + NEXT


@family
def chunk_extensions(random: Random) -> bytes:
    odd = random.choice(ODD)
    extension = random.choice(
        [
            b";" + odd,
            odd + b";a=b",
            b";a" + odd + b"=b",
            b";a=b" + odd,
            b';a="b' + odd + b'c"',
            b';a="b',
            b";" * random.randrange(1, 9),
            b";a=" + INNER[:-4].replace(b"\r\n", random.choice([b" ", b"\n", b"\r", b"\0"])),
            b";" + b"a" * random.randrange(20, 60),
            b"," + CHUNK,
            b" " + CHUNK,
            b"#a",
        ]
    )
    at_end = random.random() < 0.3
    first, last = (b"", extension) if at_end else (extension, b"")
    body = CHUNK + first + b"\r\n" + INNER + b"\r\n0" + last + b"\r\n\r\n"
    return message(random, [CODING], body) + NEXT


@family
def trailers(random: Random) -> bytes:
    odd = random.choice(ODD)
    fields = [
        LENGTH,
        b"Content-Length: 0",
        CODING,
        b"Host: b",
        b"X-A: b" + odd,
        b"X-A" + odd + b": b",
        odd + b"X-A: b",
        b"X-A b",
        INNER[:-4],
        b"X-A: b\n" + INNER[:-4],
        b"Connection: close",
        b":",
    ]
    chosen = [recase(random, each) for each in random.sample(fields, random.randrange(1, 3))]
    body = CHUNKED[:-2] + b"".join(each + b"\r\n" for each in chosen) + b"\r\n"
    return message(random, [CODING], body) + NEXT
