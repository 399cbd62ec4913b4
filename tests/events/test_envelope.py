"""Bad frames, each of which gets its documented answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from c10kws.events import EventSocket, Socket
from c10kws.events.dispatch.replies import MAX_BAD_FRAMES
from c10kws.events.frames.envelope import BadFrame, Frame, decode
from tests.support.events import Connect
from tests.support.peers import closed_with

HOSTILE = [
    ("", "bad_json", "Invalid JSON was sent."),
    ("hello", "bad_json", "Invalid JSON was sent."),
    ('{"event": "x"', "bad_json", "Invalid JSON was sent."),
    ("[" * 100_000, "bad_json", "Invalid JSON was sent."),
    ('{"event": "x", "data": ' + '{"a":' * 100_000, "bad_json", "Invalid JSON was sent."),
    ('{"event": "x", "data": {"n": ' + "9" * 5000 + "}}", "bad_json", "Invalid JSON was sent."),
    ('{"event": "x", "data": {"n": 1e999}}', "bad_json", "Invalid JSON was sent."),
    ('{"event": "x", "data": {"n": NaN}}', "bad_json", "Invalid JSON was sent."),
    ('{"event": "x", "data": {"n": -Infinity}}', "bad_json", "Invalid JSON was sent."),
    ('{"event": "x", "data": {"s": "\\ud800"}}', "bad_json", "Invalid JSON was sent."),
    ('{"event": "x", "event": "echo"}', "bad_json", "Invalid JSON was sent."),
    ('{"event": "x", "data": {"a": {"b": 1, "b": 2}}}', "bad_json", "Invalid JSON was sent."),
    (b'{"event": "x"}', "bad_frame", "Invalid JSON was sent."),
    ("null", "bad_frame", "There is no event in this JSON."),
    ("3", "bad_frame", "There is no event in this JSON."),
    ('"echo"', "bad_frame", "There is no event in this JSON."),
    ('[{"event": "echo"}]', "bad_frame", "There is no event in this JSON."),
    ("{}", "bad_frame", "There is no event in this JSON."),
    ('{"data": {}}', "bad_frame", "There is no event in this JSON."),
    ('{"event": ""}', "bad_frame", "There is no event in this JSON."),
    ('{"event": 3}', "bad_frame", "There is no event in this JSON."),
    ('{"event": {"a": 1}}', "bad_frame", "There is no event in this JSON."),
    ('{"event": "' + "x" * 1_000_000 + '"}', "bad_frame", "Event is not binded."),
    ('{"event": "open"}', "forbidden", "Event is not binded."),
    ('{"event": "nobody"}', "unknown_event", "Event is not binded."),
    ('{"event": "__init__"}', "unknown_event", "Event is not binded."),
    ('{"event": "echo", "data": [1]}', "bad_frame", "The data should be a dictionary."),
    ('{"event": "echo", "data": "text"}', "bad_frame", "The data should be a dictionary."),
]
#: Version 0 has no such key.
BAD_IDS = [
    *("true", "1.5", '"' + "x" * 65 + '"', "1.0", "1e400", "[]", '{"a": 1}'),
    *(str(2**53), str(-(2**53)), "9" * 4000, "-" + "9" * 4000),
]


@pytest.mark.parametrize("version", [0, 1])
def test_bad_frames_are_answered_and_the_connection_stays_open(
    chat: EventSocket, connect: Connect, version: int
) -> None:
    @chat.on
    def echo(data: dict[str, Any]) -> dict[str, Any]:
        chat.emit("echo", data)
        return data

    with connect(version=version) as client:
        for message, code, warning in HOSTILE:
            client.send_raw(message)
            if version:
                assert client.expect("ws:error")["code"] == code, message[:100]
            else:
                assert client.receive() == {"event": "warning", "data": {"message": warning}}
            client.send("echo", {"still": "here"})
            assert client.expect("echo") == {"still": "here"}


def test_a_frame_of_one_mebibyte_of_keys_is_handled(chat: EventSocket, connect: Connect) -> None:
    @chat.on
    def count(data: dict[str, Any]) -> int:
        return len(data)

    names = {f"name {number}": 1 for number in range(60_000)}
    with connect() as client:
        assert client.ask("count", names) == 60_000
        client.send("count", {"a": 1}, id=1, **names)  # unknown keys
        assert client.expect("ws:reply") == 1


def test_an_id_is_an_integer_or_a_short_string(chat: EventSocket, connect: Connect) -> None:
    @chat.on
    def echo(socket: Socket) -> None:
        socket.emit("heard")

    with connect() as client, connect(version=0) as old:
        for number in BAD_IDS:
            frame = f'{{"event": "echo", "data": {{}}, "id": {number}}}'
            client.send_raw(frame)
            assert client.expect("ws:error")["code"] in ("bad_frame", "bad_json"), number
            if number != "1e400":  # too large a number is not JSON in both versions
                old.send_raw(frame)
                assert old.receive() == {"event": "heard", "data": {}}
        for good in (-1, 2**53 - 1, 1 - 2**53, "", "\0", "x" * 64):
            client.send("echo", id=good)
            assert client.expect("heard") == {}
            assert client.receive() == {"event": "ws:reply", "data": {}, "re": good}


def test_a_client_that_sends_only_bad_frames_is_closed(chat: EventSocket, connect: Connect) -> None:
    with connect() as client:
        for _ in range(MAX_BAD_FRAMES + 1):
            client.send_raw("nonsense")
        assert closed_with(client.connection) == (4400, "too many bad frames")


def test_an_error_has_the_id_of_its_frame_if_it_can_be_read(
    chat: EventSocket, connect: Connect
) -> None:
    with connect() as client:
        client.send_raw('{"event": "x", "data": [], "id": 5}')
        client.send_raw('{"event": "x", "data": [1], "id": 5}')
        assert client.receive()["re"] == 5  # an empty list is falsy, so it is {}
        assert client.receive()["re"] == 5


@pytest.mark.parametrize("data", ["null", "{}", "0", '""', "[]", "false"])
def test_falsy_data_is_an_empty_object(data: str) -> None:
    assert decode(f'{{"event": "x", "data": {data}}}') == Frame("x", {})


def test_unknown_keys_are_ignored() -> None:
    assert decode('{"event": "x", "data": {"a": 1}, "new": [], "id": "7"}') == Frame(
        "x", {"a": 1}, "7"
    )


def test_all_of_unicode_is_accepted() -> None:
    text = "é \U0001f600 \x00"
    for ascii_only in (True, False):
        message = json.dumps({"event": "x", "data": {"s": text}}, ensure_ascii=ascii_only)
        assert decode(message).data == {"s": text}


def test_the_error_of_a_frame_names_the_cause() -> None:
    with pytest.raises(BadFrame, match="the same key twice"):
        decode('{"a": 1, "a": 2}')
