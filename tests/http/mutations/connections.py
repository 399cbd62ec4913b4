"""Mutations of several messages on a connection: RFC 9112 §9, RFC 9110 §7.8 and §10.1.1."""

from __future__ import annotations

from random import Random

from .pieces import CHUNKED, CODING, INNER, LENGTH, NEXT, ODD, family, message, recase


@family
def expectations(random: Random) -> bytes:
    odd = random.choice([each for each in ODD if each not in (b"\r", b"\n")])
    values = [b"100-continue", b"200-ok", b"", b"100-continue" + odd, odd + b"100-continue"]
    values += [b"100-continue, x", b"100", b"100-continue;a", b"100-continue, 100-continue"]
    fields, body = random.choice([([LENGTH], INNER), ([CODING], CHUNKED)])
    fields = [*fields, *(b"Expect: " + recase(random, random.choice(values)) for _ in range(2))]
    version = random.choice([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"])
    line = b"POST /a " + version
    return message(random, fields[: random.randrange(2, 4)], body, line) + NEXT


@family
def pipelines(random: Random) -> bytes:
    """Valid requests one after another; after ``close`` nothing may be read."""
    requests = []
    for _ in range(random.randrange(1, 5)):
        fields, body = random.choice([([LENGTH], INNER), ([CODING], CHUNKED), ([], b"")])
        gap = random.choice([b"", b"", b"\r\n"])
        requests.append(gap + message(random, fields, body))
    ends = [NEXT, NEXT[:-4] + b"\r\nConnection: close\r\n\r\n" + INNER]
    ends += [NEXT.replace(b"1.1", b"1.0") + INNER, b"nonsense\r\n\r\n" + INNER, b"POST"]
    return b"".join(requests) + random.choice(ends)


@family
def handshakes(random: Random) -> bytes:
    """Bytes after a handshake belong to the new protocol, if the server switches."""
    before = message(random, [LENGTH], INNER) if random.random() < 0.5 else b""
    option = random.choice([b"Upgrade", b"upgrade", b"keep-alive, Upgrade", b"Upgrade,close"])
    fields = [recase(random, b"Connection: ") + option, recase(random, b"Upgrade: ") + b"echo"]
    random.shuffle(fields)
    body = b""
    if random.random() < 0.3:
        framing, body = random.choice([(LENGTH, INNER), (CODING, CHUNKED)])
        fields.insert(random.randrange(3), framing)
    early = random.choice([b"", INNER, INNER * 2, b"\r\n" + INNER, bytes(20) + INNER])
    version = random.choice([b"HTTP/1.1"] * 4 + [b"HTTP/1.0"] * (not body))
    # In HTTP/1.0 there is no upgrade, and a request may follow on a kept connection.
    early = NEXT if body or version == b"HTTP/1.0" else early
    line = random.choice([b"GET", b"POST"]) + b" /a " + version
    return before + message(random, fields, body, line) + early
