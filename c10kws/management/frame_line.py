"""Text of one frame for the terminal, without the values of the client's cookies."""

from __future__ import annotations

import codecs
from collections.abc import Iterable

from django.http import HttpRequest

from .frame_scanner import CONTINUATION, SeenFrame, SeenMessage

#: Characters of a text, and bytes of other payloads, that a line shows.
MAX_TEXT = 100
MAX_BYTES = 24
#: Shorter values of cookies, such as a language, are no secrets and are in many texts.
SHORTEST_SECRET = 8
OPCODES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
TEXT, CLOSE = 1, 8
_decoder = codecs.getincrementaldecoder("utf-8")


def secrets_of(request: HttpRequest) -> tuple[bytes, ...]:
    """Return the values of the request's cookies and its session key, the longest first."""
    values = [*request.COOKIES.values(), getattr(_session(request), "session_key", None) or ""]
    long = {value.encode(errors="replace") for value in values if len(value) >= SHORTEST_SECRET}
    return tuple(sorted(long, key=len, reverse=True))


def _session(request: HttpRequest) -> object:
    return getattr(request, "session", None)


def describe_frame(frame: SeenFrame, secrets: Iterable[bytes]) -> str:
    """Return opcode, size and the beginning of the message that ends with this frame.

    A fragment may contain a part of a secret. Therefore only complete messages are shown.
    """
    kind = OPCODES.get(frame.opcode, f"opcode {frame.opcode}")
    message = frame.message
    if message is None:
        return f"{kind} fragment {frame.size} bytes"
    text = f"{kind} {frame.size} bytes"
    if frame.opcode == CONTINUATION:
        text += f", message of {message.size} bytes"
    if message.compressed:
        return f"{text}, compressed"
    payload = _show(message, secrets)
    return f"{text}: {payload}" if payload else text


def _show(message: SeenMessage, secrets: Iterable[bytes]) -> str:
    payload = message.beginning
    for secret in secrets:
        payload = payload.replace(secret, b"*" * len(secret))
    if message.opcode == CLOSE:
        code = str(int.from_bytes(payload[:2])) if len(payload) >= 2 else ""
        return f"{code} {_quote(payload[2:])}" if len(payload) > 2 else code
    if message.opcode == TEXT:
        beginning = payload[: MAX_TEXT * 4]
        try:
            text = _decoder().decode(beginning)  # without a character that is cut at the end
        except UnicodeDecodeError:
            return _hex(payload, message.size)
        return _quote_text(text, cut=message.size > len(beginning))
    return _hex(payload, message.size)


def _quote(payload: bytes) -> str:
    return _quote_text(payload.decode(errors="replace"), cut=False)


def _quote_text(text: str, *, cut: bool) -> str:
    """Return a text in quotes; control characters, which the terminal would obey, are escaped."""
    return repr(text[:MAX_TEXT]) + ("…" if cut or len(text) > MAX_TEXT else "")


def _hex(payload: bytes, size: int) -> str:
    return payload[:MAX_BYTES].hex(" ") + (" …" if size > MAX_BYTES else "")
