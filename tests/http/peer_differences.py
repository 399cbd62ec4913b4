"""The known differences between the server and its peers, each with its rule and its reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.differences import reads_strictly

from .agreement import Disagreement, Kind

Test = Callable[[Disagreement], object]
H11, TORNADO = "h11", "Tornado"
PEERS = (H11, TORNADO)


@dataclass(frozen=True)
class Difference:
    """A kind of message that the server reads otherwise than a peer, on purpose."""

    peers: Sequence[str]
    #: The server accepts or refuses more than the peer, or reads another request.
    kinds: Sequence[Kind]
    rule: str
    reason: str
    explains: Test

    def covers(self, found: Disagreement) -> bool:
        """Return True if this is the reason for a disagreement."""
        right = found.peer in self.peers and found.kind in self.kinds
        return right and bool(self.explains(found))


def accepts(peers: Sequence[str], rule: str, reason: str, explains: Test) -> Difference:
    return Difference(peers, ["accepts"], rule, reason, explains)


def refuses(peers: Sequence[str], rule: str, reason: str, explains: Test) -> Difference:
    return Difference(peers, ["refuses"], rule, reason, explains)


def in_head(pattern: bytes) -> Test:
    return lambda found: re.search(pattern, found.head, re.IGNORECASE)


def in_body(pattern: bytes) -> Test:
    return lambda found: re.search(pattern, found.body)


def in_rest(pattern: bytes) -> Test:
    return lambda found: re.match(pattern, found.rest)


def in_last(pattern: bytes) -> Test:
    """Search the message before the one in question."""
    return lambda found: re.search(pattern, found.before.rpartition(b" /a ")[2], re.IGNORECASE)


def has_no_single_host(found: Disagreement) -> bool:
    hosts = re.findall(rb"\nhost:", found.head, re.IGNORECASE)
    return len(hosts) > 1 or (not hosts and b"HTTP/1.1" in found.head)


def has_invalid_host(found: Disagreement) -> bool:
    hosts = re.findall(rb"\nhost:[ \t]*([^\r\n]*)", found.head, re.IGNORECASE)
    return any(re.search(rb"[^a-zA-Z0-9\-._~!$&'()*+;=%:\[\]]", host.strip()) for host in hosts)


DIFFERENCES: tuple[Difference, ...] = (
    refuses(
        PEERS,
        "9110 §15.5.14, §15.5.15",
        "The server limits the sizes of heads and bodies; the peers have higher limits.",
        lambda found: found.status in (413, 431),
    ),
    refuses(
        PEERS,
        "9112 §3.2",
        "The peers leave the form of the target to their users.",
        in_head(rb"^(?!OPTIONS \* )[^ ]+ (?!/|https?://[^/?#\[ ]|https?://\[[^\]/ ]*\])"),
    ),
    refuses(
        PEERS,
        "9112 §3.2.3",
        "The peers leave CONNECT to their users.",
        in_head(rb"^CONNECT "),
    ),
    refuses(
        PEERS,
        "9112 §3.2",
        "The peers do not check the characters of Host.",
        has_invalid_host,
    ),
    refuses(
        PEERS,
        "9112 §6.1",
        "Transfer-Encoding in HTTP/1.0 is faulty framing.",
        in_head(rb"(?s)^[^\n]* HTTP/1\.0\r?\n(.*\n)?transfer-encoding:"),
    ),
    refuses(
        [H11],
        "9112 §6.3 rule 3",
        "h11 ignores Content-Length next to Transfer-Encoding.",
        in_head(rb"(?s)(?=.*\ntransfer-encoding:)(?=.*\ncontent-length:)"),
    ),
    refuses(
        [H11],
        "9110 §15.6.6",
        "h11 leaves the check of the major version to its user.",
        in_head(rb"^[^\n]* HTTP/[02-9]\.\d\r?(\n|$)"),
    ),
    refuses(
        [H11],
        "9110 §5.5",
        "h11 takes control characters in values, for the cookies of some websites.",
        in_head(rb"[\x01-\x08\x0e-\x1f\x7f]"),
    ),
    refuses(
        [H11],
        "9110 §5.5",
        "h11 takes control characters in a chunk's extension and in trailers.",
        in_body(rb"(?m)^([0-9A-Fa-f]+[ \t]*;|[\w-]+:)[^\r\n]*[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"),
    ),
    refuses(
        [H11],
        "9112 §5.2",
        "h11 reads folded values, in trailers too.",
        lambda found: in_head(rb"\n[ \t]")(found) or in_body(rb"\n[ \t]")(found),
    ),
    refuses(
        [H11], "9112 §7.1", "h11 takes white space after a chunk's size.", in_body(rb"[ \t]\r\n")
    ),
    refuses(
        [H11],
        "9112 §2.2",
        "h11 takes a bare CR in a chunk's extension and a bare LF in trailers.",
        in_body(rb"(?m)^0+(;.*)?\r\n([^\r]*\r\n)?[^\r]*(?<!\r)\n|;[^\n]*\r(?!\n)"),
    ),
    refuses(
        [H11],
        "9112 §7.1.1",
        "h11 limits extensions and trailers by the size of its buffer only.",
        in_body(rb";[^\r]{4000}|X-A: x{4000}"),
    ),
    Difference(
        [H11],
        ["refuses", "differs"],
        "9112 §9.3",
        "h11 keeps connections of later minor versions; closing them is always allowed.",
        in_last(rb"HTTP/1\.[2-9]"),
    ),
    Difference(
        [H11],
        ["accepts", "differs"],
        "9112 §9.3",
        "h11 does not keep connections of HTTP/1.0.",
        in_last(rb"(?s)HTTP/1\.0\r\n(.*\n)?connection: *keep-alive"),
    ),
    accepts([H11], "9112 §2.2", "h11 reads no empty line before a request.", in_rest(rb"\r?\n")),
    accepts(
        [H11], "9112 §3.2", "h11 takes targets in ASCII only.", in_head(rb"^[^\n]*[\x80-\xff]")
    ),
    accepts(
        [H11],
        "9110 §8.6, 9112 §7.1",
        "h11 limits lengths to 20 digits.",
        lambda found: (
            in_head(rb"content-length:[ \t]*0\d{20}")(found) or in_body(rb"\w{21}")(found)
        ),
    ),
    accepts(
        [H11],
        "9112 §7.1.1",
        "h11 takes no white space before an extension.",
        in_body(rb"(?m)^[0-9a-f]+[ \t]+;"),
    ),
    accepts(
        [H11],
        "9112 §7.1.2",
        "h11 reads framing in trailers.",
        in_body(rb"(?mi)^(content-length|transfer-encoding):"),
    ),
    accepts([TORNADO], "9112 §7.1.1", "Tornado takes no extensions.", in_body(rb"\w[ \t]*;")),
    accepts(
        [TORNADO], "9112 §7.1.2", "Tornado takes no trailers.", in_body(rb"(?m)^0+(;.*)?\r\n[^\r]")
    ),
    refuses(
        [TORNADO],
        "9112 §2.2",
        "Tornado removes bare CRs before the request line and at its end.",
        in_rest(rb"(\r?\n)*\r[^\n]|(\r?\n)*[^\n]*\r\r\n"),
    ),
    refuses(
        [TORNADO], "9112 §3.2", "Tornado leaves the check of Host to its user.", has_no_single_host
    ),
    Difference(
        [TORNADO],
        ["refuses", "accepts", "differs"],
        "9110 §7.6.1",
        "Tornado reads Connection as one option, not as a list.",
        in_last(rb"connection:[^\n]*,|(?s:connection:.*connection:)"),
    ),
)
OLD_DIFFERENCES = (
    refuses([TORNADO], "9112 §5.2", "Tornado 6.5 reads folded values.", in_head(rb"\n[ \t]")),
    refuses(
        [TORNADO],
        "9112 §7.1",
        "Tornado 6.5 closes without a response after a chunk without CRLF.",
        in_head(rb"transfer-encoding: *chunked"),
    ),
)
if not reads_strictly:
    DIFFERENCES = (*DIFFERENCES, *OLD_DIFFERENCES)


def explanations(found: Disagreement) -> list[Difference]:
    """Return the differences that explain a disagreement."""
    return [difference for difference in DIFFERENCES if difference.covers(found)]
