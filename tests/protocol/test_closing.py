"""Close codes, reasons and payloads (RFC 6455 §5.5.1, §7.4)."""

from __future__ import annotations

import pytest
from wsproto.frame_protocol import CloseReason

from c10kws.protocol.closing import (
    NEVER_SENT,
    Close,
    CloseCode,
    check_close,
    failure,
    may_be_sent,
    truncate_reason,
)


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999])
def test_codes_that_may_be_sent(code: int) -> None:
    check_close(code, "é" * 61)
    assert may_be_sent(code)


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000])
def test_codes_that_may_not_be_sent(code: int) -> None:
    with pytest.raises(ValueError, match=f"Close code {code} may not be sent"):
        check_close(code, "")
    assert not may_be_sent(code)


def test_a_reason_has_room_for_123_bytes() -> None:
    with pytest.raises(ValueError, match="room for 123 bytes of UTF-8; this one has 124"):
        check_close(1000, "é" * 62)


def test_the_codes_are_those_of_the_rfc_and_of_iana() -> None:
    """wsproto knows those of the RFC; IANA has registered 1012 to 1014 since."""
    assert {int(code) for code in CloseCode} == {*map(int, CloseReason)} | {1012, 1013, 1014}


@pytest.mark.parametrize("code", CloseCode)
def test_each_code_has_a_description(code: CloseCode) -> None:
    assert code.description.endswith(".")
    assert code.description.startswith("Never sent. Reported ") is (code in NEVER_SENT)
    assert may_be_sent(code) is (code not in NEVER_SENT)


@pytest.mark.parametrize(
    ("close", "payload"),
    [
        (Close(1005), b""),
        (Close(1000), b"\x03\xe8"),
        (Close(4000, "é"), b"\x0f\xa0\xc3\xa9"),
        (Close(CloseCode.BAD_GATEWAY, "x" * 123), b"\x03\xf6" + b"x" * 123),
    ],
)
def test_a_close_and_its_payload(close: Close, payload: bytes) -> None:
    assert close.to_payload() == payload
    assert Close.from_payload(payload) == close


@pytest.mark.parametrize(
    "payload", [b"\x03", b"\x03\xe7", b"\x03\xed", b"\x03\xee", b"\x13\x88", b"\x03\xe8\xff"]
)
def test_a_payload_that_breaks_the_protocol(payload: bytes) -> None:
    assert Close.from_payload(payload) is None


@pytest.mark.parametrize("code", [1002, 1007, 1008, 1009])
def test_a_failure_tells_the_peer_a_reason(code: int) -> None:
    close = failure(code)
    assert close.code == code
    assert close.reason
    check_close(close.code, close.reason)


@pytest.mark.parametrize(
    ("reason", "truncated"),
    [
        ("short", "short"),
        ("é" * 61, "é" * 61),
        ("é" * 62, "é" * 61),
        ("x" * 121 + "€", "x" * 121),
        ("a\udcffb", "a?b"),
    ],
)
def test_a_reason_is_truncated_between_two_characters(reason: str, truncated: str) -> None:
    assert truncate_reason(reason) == truncated
