"""``ServerProtocol`` (RFC 6455 §5–§7) without a socket; the client's frames are made by hand."""

from __future__ import annotations

import pytest

from c10kws.protocol.closing import Close, State
from c10kws.protocol.received import Ended, PingReceived, PongReceived
from c10kws.protocol.server import ServerProtocol
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    MASK,
    PING,
    PONG,
    TEXT,
    close_frame,
    frame,
)
from tests.support.protocols import receive, receive_all, take_answers, take_end


@pytest.fixture(params=[True, False], ids=["lane", "wsproto"])
def protocol(request: pytest.FixtureRequest) -> ServerProtocol:
    return ServerProtocol(max_message_size=1000, fast_lane=request.param)


def test_text_and_binary_messages(protocol: ServerProtocol) -> None:
    data = frame(TEXT, "é".encode()) + frame(BINARY, b"\x00") + frame(TEXT) + frame(BINARY)
    assert receive(protocol, data) == ["é", b"\x00", "", b""]


def test_one_byte_at_a_time(protocol: ServerProtocol) -> None:
    data = frame(TEXT, "né".encode(), fin=False) + frame(CONTINUATION, b"!") + close_frame(1000)
    events = [event for byte in data for event in receive(protocol, bytes([byte]))]
    assert events == ["né!", Close(1000, "")]


def test_a_character_may_be_split_over_fragments(protocol: ServerProtocol) -> None:
    first, second = "é".encode()[:1], "é".encode()[1:]
    assert receive(protocol, frame(TEXT, first, fin=False)) == []
    assert receive(protocol, frame(CONTINUATION, second)) == ["é"]


def test_a_ping_between_fragments_is_answered_at_once(protocol: ServerProtocol) -> None:
    receive(protocol, frame(BINARY, b"a", fin=False) + frame(PING, b"hi"))
    assert take_answers(protocol) == b"\x8a\x02hi"
    assert receive(protocol, frame(CONTINUATION, b"b")) == [b"ab"]


def test_events_come_in_the_order_of_their_frames(protocol: ServerProtocol) -> None:
    """None while there are none: a caller asks for them only when there are some."""
    assert protocol.events is None
    data = frame(PING, b"1") + frame(PONG, b"2") + frame(PING, b"3") + close_frame(4000, "bye")
    assert protocol.receive_data(data) == []
    assert protocol.take_events() == [
        PingReceived(b"\x8a\x011"),
        PongReceived(b"2"),
        PingReceived(b"\x8a\x013"),
        Ended(Close(4000, "bye"), b"\x88\x05\x0f\xa0bye"),
    ]
    assert protocol.events is None
    assert protocol.take_events() == []


def test_an_event_waits_for_the_messages_before_it(protocol: ServerProtocol) -> None:
    data = frame(TEXT, b"1") + frame(PING) + frame(TEXT, b"2") + frame(3)
    assert protocol.receive_data(data) == ["1"]
    assert protocol.has_more
    assert protocol.events is None
    assert protocol.receive_data(b"") == ["2"]
    assert protocol.take_events() == [PingReceived(b"\x8a\x00")]
    assert protocol.has_more
    assert protocol.receive_data(b"") == []
    assert not protocol.has_more
    assert take_end(protocol) == Close(1002, "protocol error")


def test_new_data_is_read_after_data_that_waits(protocol: ServerProtocol) -> None:
    data = frame(TEXT, b"1") + frame(PING) + frame(TEXT, b"2")
    assert protocol.receive_data(data) == ["1"]
    assert protocol.receive_data(frame(TEXT, b"3")) + receive_all(protocol, b"") == ["2", "3"]


def test_a_pong_is_ignored(protocol: ServerProtocol) -> None:
    assert receive(protocol, frame(PONG, b"?")) == []
    assert take_answers(protocol) == b""


@pytest.mark.parametrize(
    ("payload", "code"), [(b"", 1005), (b"\x03\xe8", 1000), (b"\x0f\xa0why", 4000)]
)
def test_a_close_is_answered_with_its_code(
    protocol: ServerProtocol, payload: bytes, code: int
) -> None:
    events = receive(protocol, frame(CLOSE, payload) + frame(TEXT, b"too late"))
    assert [(event.code, event.reason) for event in events if isinstance(event, Close)] == [
        (code, payload[2:].decode())
    ]
    assert len(events) == 1
    assert take_answers(protocol)[2:4] == payload[:2]
    assert protocol.state is State.CLOSED


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_reserved_close_codes_are_a_protocol_error(protocol: ServerProtocol, code: int) -> None:
    assert receive(protocol, close_frame(code)) == [Close(1002, "protocol error")]
    assert take_answers(protocol)[2:4] == b"\x03\xea"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x00", 1002),  # not masked (§5.1)
        (frame(3), 1002),
        (frame(0xB), 1002),
        (b"\xc1\x80" + MASK, 1002),  # RSV1 without an extension
        (frame(CONTINUATION, b"x"), 1002),
        (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
        (frame(PING, b"", fin=False), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(CLOSE, b"x"), 1002),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xed\xa0\x80"), 1007),  # a surrogate
        (frame(TEXT, b"\xc3"), 1007),
        (frame(CLOSE, b"\x03\xe8\xff"), 1007),
    ],
)
def test_broken_frames_fail_the_connection_with_our_words(
    protocol: ServerProtocol, data: bytes, code: int
) -> None:
    reason = {1002: "protocol error", 1007: "data that is not valid"}[code]
    assert receive(protocol, data) == [Close(code, reason)]
    sent = take_answers(protocol)
    assert sent == bytes([0x88, 2 + len(reason)]) + code.to_bytes(2, "big") + reason.encode()
    assert protocol.state is State.FAILED
    assert receive(protocol, frame(TEXT, b"more")) == []


def test_after_our_close_messages_are_not_delivered_and_the_peers_close_ends_it(
    protocol: ServerProtocol,
) -> None:
    assert protocol.send_close(1000) == b"\x88\x02\x03\xe8"
    assert receive(protocol, frame(TEXT, b"late") + frame(PING)) == []
    assert take_answers(protocol) == b""
    assert receive(protocol, close_frame(1000)) == [Close(1000, "")]
    assert protocol.state is State.CLOSED


def test_what_had_come_before_our_close_is_delivered(protocol: ServerProtocol) -> None:
    """The fragments keep the lane from taking all three at once."""
    one, two = frame(TEXT, b"1", fin=False), frame(CONTINUATION, b"2")
    messages = protocol.receive_data(one + two + frame(TEXT, b"3") + one + two + one)
    assert messages[:1] == ["12"]
    protocol.send_close(1000)
    assert protocol.receive_data(two + frame(TEXT, b"late")) == []
    while protocol.has_more:
        messages += protocol.receive_data(b"")
    assert messages == ["12", "3", "12"]
    assert receive(protocol, frame(TEXT, b"later") + close_frame(1000)) == [Close(1000, "")]
    assert protocol.state is State.CLOSED
    assert take_answers(protocol) == b""


def test_the_peers_close_is_found_behind_what_is_held(protocol: ServerProtocol) -> None:
    one, two = frame(TEXT, b"1", fin=False), frame(CONTINUATION, b"2")
    close = close_frame(3000, "bye")
    assert protocol.receive_data((one + two) * 2 + close[:7]) == ["12"]
    protocol.send_close(1000)
    assert protocol.events is None
    assert protocol.receive_data(close[7:]) == []
    assert take_end(protocol) == Close(3000, "bye")
    assert protocol.receive_data(b"") == ["12"]
    assert protocol.has_more is False


def test_a_fault_behind_messages_that_are_not_answered_ends_it_with_our_close(
    protocol: ServerProtocol,
) -> None:
    one, two = frame(TEXT, b"1", fin=False), frame(CONTINUATION, b"2")
    assert protocol.receive_data(one + two + frame(3)) == ["12"]
    assert protocol.has_more
    protocol.send_close(1000)
    assert protocol.state is State.FAILED
    assert take_end(protocol) == Close(1002, "protocol error")
    assert protocol.has_more is False
    assert receive_all(protocol, frame(TEXT, b"more")) == []


@pytest.mark.parametrize("begun", range(1, len(frame(TEXT, b"half"))))
def test_a_frame_that_is_not_whole_at_our_close_is_skipped(
    protocol: ServerProtocol, begun: int
) -> None:
    data = frame(TEXT, b"half") + frame(BINARY, b"x" * 200) + close_frame(1000)
    assert receive(protocol, data[:begun]) == []
    protocol.send_close(1000)
    for byte in data[begun:-1]:
        assert receive(protocol, bytes([byte])) == []
    assert receive(protocol, data[-1:]) == [Close(1000, "")]


@pytest.mark.parametrize("cut", range(1, len(close_frame(1014, "gateway"))))
def test_a_close_with_1014_is_answered_with_it(protocol: ServerProtocol, cut: int) -> None:
    """RFC 6455 has no 1014; IANA has registered it as Bad Gateway."""
    data = close_frame(1014, "gateway")
    assert receive(protocol, data[:cut]) == []
    assert receive(protocol, data[cut:]) == [Close(1014, "gateway")]
    assert take_answers(protocol) == b"\x88\x09\x03\xf6gateway"


def test_a_broken_frame_after_our_close_gets_no_second_close(protocol: ServerProtocol) -> None:
    protocol.send_close(1000)
    assert receive(protocol, frame(3)) == [Close(1002, "protocol error")]
    assert take_answers(protocol) == b""
