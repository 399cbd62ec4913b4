"""Mutations of Content-Length and Transfer-Encoding: RFC 9112 §6."""

from __future__ import annotations

from random import Random

from .pieces import (
    CHUNK,
    CHUNKED,
    CODING,
    INNER,
    LENGTH,
    NEXT,
    ODD,
    SIZE,
    bad_name,
    bad_number,
    family,
    insert,
    message,
    recase,
)


@family
def length_values(random: Random) -> bytes:
    value = bad_number(random, SIZE)
    space = random.choice([b"", b" ", b"\t", b"  "])
    name = recase(random, b"Content-Length")
    return message(random, [name + b":" + space + value], INNER) + NEXT


@family
def length_duplicates(random: Random) -> bytes:
    values = [b"0", b"1", b"5", b"200", SIZE, SIZE, bad_number(random, SIZE)]
    fields = [recase(random, b"Content-Length") + b": " + random.choice(values) for _ in range(2)]
    fields.insert(random.randrange(3), LENGTH)
    return message(random, fields, INNER) + NEXT


@family
def length_names(random: Random) -> bytes:
    value = random.choice([b"0", b"1", SIZE, SIZE, b"200"])
    line = bad_name(random, recase(random, b"Content-Length")) + b" " + value
    fields = [line] if random.random() < 0.5 else random.sample([line, LENGTH], 2)
    return message(random, fields, INNER) + NEXT


@family
def coding_values(random: Random) -> bytes:
    odd = random.choice(ODD)
    value = random.choice(
        [
            b"x" + b"chunked",
            b"chunked" + odd,
            odd + b"chunked",
            insert(random, b"chunked", odd),
            b"chunked" + random.choice([b",", b";", b", "]) + random.choice([b"", b"x", b"gzip"]),
            random.choice([b",", b"gzip, ", b"identity,", b"x;y="]) + b"chunked",
            b"chunked, chunked",
            random.choice([b"gzip", b"identity", b"", b"x", b"compress", b"deflate"]),
            recase(random, b"chunked"),
            b'"chunked"',
            b"chunke",
            b"'chunked'",
        ]
    )
    return message(random, [recase(random, b"Transfer-Encoding: ") + value], CHUNKED) + NEXT


@family
def coding_duplicates(random: Random) -> bytes:
    other = random.choice([b"chunked", b"identity", b"gzip", b"", b"x", b",", random.choice(ODD)])
    fields = [recase(random, CODING), recase(random, b"Transfer-Encoding: ") + other]
    random.shuffle(fields)
    return message(random, fields, CHUNKED) + NEXT


@family
def coding_names(random: Random) -> bytes:
    line = bad_name(random, recase(random, b"Transfer-Encoding")) + b" chunked"
    fields = [line] if random.random() < 0.5 else random.sample([line, LENGTH], 2)
    return message(random, fields, CHUNKED if len(fields) == 1 else INNER) + NEXT


@family
def both_framings(random: Random) -> bytes:
    # The sizes end before INNER, within it and after it.
    lengths = [0, len(CHUNK) + 2, len(INNER), len(CHUNKED), random.randrange(120)]
    length = recase(random, b"Content-Length: ") + b"%d" % random.choice(lengths)
    coding = recase(random, b"Transfer-Encoding: ") + random.choice(
        [b"chunked", b"chunked", b"identity", b"gzip, chunked", b"x", b"", b"chunked\v"]
    )
    version = random.choice([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2"])
    fields = random.sample([length, coding], 2)
    return message(random, fields, CHUNKED, b"POST /a " + version) + NEXT
