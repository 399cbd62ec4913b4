"""Names and data of emitted events, as text."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from c10kws.events import InvalidInstanceError
from c10kws.events.frames.serialization import SerializedAsId, as_object, encode, encode_event


@pytest.mark.parametrize(
    ("data", "found"),
    [(None, {}), ("text", {"message": "text"}), ({"a": 1}, {"a": 1}), ("", {"message": ""})],
)
def test_data_becomes_an_object(data: Any, found: dict[str, Any]) -> None:
    assert as_object(data) == found
    assert json.loads(encode_event("x", data)) == {"event": "x", "data": found}


def test_the_encoder_is_that_of_django_and_knows_objects_with_an_id() -> None:
    class Client(SerializedAsId):
        id = "abc"

    data = {"on": date(2026, 1, 2), "by": Client()}
    frame = json.loads(encode("x", data, room="r"))
    assert frame == {"event": "x", "data": {"on": "2026-01-02", "by": "abc"}, "room": "r"}


def test_reserved_and_impossible_names_are_refused() -> None:
    with pytest.raises(ValueError, match="'ws:x' is reserved; choose another name"):
        encode_event("ws:x", None)
    with pytest.raises(ValueError, match="'close' is reserved"):
        encode_event("close", None)
    assert encode_event("close", None, refused=frozenset())
    with pytest.raises(ValueError, match="has 1 to 128 characters"):
        encode_event("x" * 129, None)
    with pytest.raises(InvalidInstanceError, match="expected the name of an event, not 3"):
        encode_event(3, None)  # type: ignore[arg-type]
