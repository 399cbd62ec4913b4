"""Mutations of the request line, of lines and of fields: RFC 9112 §2, §3 and §5."""

from __future__ import annotations

from random import Random

from .pieces import (
    CHUNKED,
    CODING,
    ENDS,
    HOST,
    INNER,
    LENGTH,
    NEXT,
    ODD,
    family,
    insert,
    message,
    recase,
)

TARGETS = [b"//b/a", b"/a?b=HTTP/1.1", b"/a%20HTTP/1.1", b"/a HTTP/1.1", b"/a\tHTTP/1.1", b"*"]
TARGETS += [b"a:80", b"a", b"ftp://a/", b"/%0d%0aContent-Length:%200", b""]


@family
def line_ends(random: Random) -> bytes:
    fields, body = random.choice([([LENGTH], INNER), ([CODING], CHUNKED)])
    data = message(random, fields, body)
    ends = [i for i in range(len(data) - 1) if data[i : i + 2] == b"\r\n"]
    # In the head each line may end otherwise, and in a body that is chunked.
    last = data.index(b"\r\n\r\n") + (2 if body is INNER else 6)
    for place in sorted(random.sample(ends, 2), reverse=True):
        if place <= last:
            data = data[:place] + random.choice(ENDS) + data[place + 2 :]
    return data + NEXT


@family
def controls(random: Random) -> bytes:
    fields, body = random.choice([([LENGTH], INNER), ([CODING], CHUNKED)])
    data = message(random, fields, body)
    # Before the value that gives the framing, so that it stays or the message becomes invalid.
    end = data.index(fields[0]) or len(data)
    odd = random.choice([each for each in ODD if each not in (b"\r", b"\n")])
    return insert(random, data[:end], odd) + data[end:] + NEXT


@family
def folds(random: Random) -> bytes:
    framing, body = random.choice([(LENGTH, INNER), (CODING, CHUNKED)])
    fold = b"\r\n" + random.choice([b" ", b"\t", b"  ", b" \t "])
    other = random.choice(
        [b"Content-Length: 0", b"Transfer-Encoding: chunked", b"Host: b", b"x", b"", b"Content-"]
    )
    line = random.choice(
        [
            framing.replace(b": ", b":" + fold),
            framing.replace(b":", fold + b":"),
            framing + fold,
            framing + fold + b"," + framing.partition(b": ")[2],
            framing + b"\r\nX-C: d" + fold + other,
            b"X-C: d" + fold + other + b"\r\n" + framing,
            b"X-C:" + fold + other + b"\r\n" + framing,
        ]
    )
    return message(random, [line], body) + NEXT


@family
def request_targets(random: Random) -> bytes:
    odd = random.choice(ODD[:1] + ODD[12:13] + ODD[-5:])
    authority = random.choice([b"a", b"b:80", b"", b"[::1]", b"[", b"a@b"])
    fragment = random.choice([b"", b"b", b"?c"])
    target = random.choice(
        [
            *TARGETS,
            b"http://" + authority,
            recase(random, b"https://b/a"),
            b"/a#" + fragment,
            b"/" + odd,
            b"/" + odd + b" HTTP/1.1" + odd,
            b"/" + b"a" * random.randrange(1, 40),
        ]
    )
    method = random.choice([b"POST", b"GET", b"OPTIONS", b"CONNECT", b"DELETE", b"x"])
    line = method + b" " + target + b" HTTP/1.1"
    fields, body = random.choice([([LENGTH], INNER), ([CODING], CHUNKED)])
    return message(random, fields, body, line) + NEXT


@family
def versions(random: Random) -> bytes:
    version = random.choice(
        [b"HTTP/1.0"] * 4
        + [b"HTTP/1.1", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/2.0", b"HTTP/0.9", b"http/1.1", b"HTTP/1"]
        + [b"HTTP/1.10", b"HTTP/11", b"HTTP/1,1", b"HTTP/1.1 x", b"HTTP/+1.1", b"", b"HTTP/1.\xb9"]
    )
    fields, body = random.choice([([LENGTH], INNER), ([CODING], CHUNKED)])
    options = [[], [b"Connection: keep-alive"], [b"Connection: close"], [b"Connection: close, x"]]
    return message(random, fields + random.choice(options), body, b"POST /a " + version) + NEXT


@family
def hosts(random: Random) -> bytes:
    values = [b"a", b"b", b"", b"a:80", b"a b", b"a,b", b"a/b", b"[::1]", b"a\tb", b"a@b", b"\xe4"]
    values += [b"a" + random.choice(ODD)]
    lines = [recase(random, b"Host") + b": " + random.choice(values) for _ in range(3)]
    lines = lines[: random.randrange(4)]
    framing, body = random.choice([(LENGTH, INNER), (CODING, CHUNKED)])
    lines.insert(random.randrange(len(lines) + 1), framing)
    return message(random, lines, body).replace(HOST + b"\r\n", b"", 1) + NEXT


@family
def noise(random: Random) -> bytes:
    """Change any bytes of the head; the body may become a request for every reader."""
    fields, body = random.choice([([LENGTH], INNER), ([CODING], CHUNKED)])
    data = bytearray(message(random, fields, body))
    for _ in range(random.randrange(1, 4)):
        place = random.randrange(len(data))
        piece = random.choice([b"", bytes([data[place]]) * 2, bytes([random.randrange(256)])])
        piece = random.choice([piece, random.choice([b"\r", b"\n", b" ", b":", b",", b"0", b"\0"])])
        data[place : place + 1] = piece
    return bytes(data) + NEXT
