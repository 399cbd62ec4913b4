"""Frames with orjson and without it are the same, and so are the errors."""

from __future__ import annotations

import json
import math
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

import pytest
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import example, given
from hypothesis import strategies as st

from c10kws.events.frames import fast_json
from c10kws.events.frames.envelope import BadFrame, decode
from c10kws.events.frames.serialization import Serializer, encode_event

pytest.importorskip("orjson")


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Name(str):
    pass


@dataclass
class Point:
    x: int = 1


Pair = namedtuple("Pair", "a b")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**52, 2**70)
    | st.integers(-(2**70), -(2**52))
    | st.floats()
    | st.text()
    | st.text(st.characters(exclude_categories=()), max_size=3)  # with surrogates
)
OBJECTS = st.sampled_from(
    [
        *(Colour.RED, Level.LOW, Name("n"), Point(), Pair(1, 2), mark_safe("<b>")),
        *(gettext_lazy("Yes"), Decimal("1.50"), UUID(int=1), date(2026, 1, 2), timedelta(1)),
        *(datetime(2026, 1, 2, 3, 4, 5, 678901, timezone.utc), OrderedDict(b=1, a=2)),  # noqa: UP017
        *(b"bytes", bytearray(b"b"), {1, 2}, frozenset(), 1j, ..., object, print, object()),
        *({1: "a"}, {None: 1}, {True: 2}, {1.5: 3}, {("a",): 1}, {Name("key"): 1}, {Level.LOW: 1}),
    ]
)
KEYS = st.text(max_size=3) | st.sampled_from(["event", "data", "id", "null"])
VALUES = st.recursive(
    SCALARS | OBJECTS,
    lambda each: (
        st.lists(each, max_size=4)
        | st.lists(each, max_size=3).map(tuple)
        | st.dictionaries(KEYS, each, max_size=4)
    ),
    max_leaves=12,
)
NUMBERS = st.sampled_from(
    [
        *(
            "0",
            "-0",
            "-0.0",
            "1e5",
            "1E5",
            "1e+05",
            "1e-7",
            "0.1",
            "1.0",
            "1e999",
            "-1e999",
            "5e-324",
        ),
        *(str(2**53), str(2**63), str(2**64 - 1), str(2**64), str(-(2**63) - 1), "9" * 30),
        *("9" * 5000, "1.7976931348623159e308", "0." + "1" * 40, "01", "1.", ".5", "+1", "NaN"),
        *("Infinity", "-Infinity", "nul", "tru", "0x1"),
    ]
)
STRINGS = st.text(max_size=5).map(json.dumps) | st.sampled_from(
    [
        *('"\\ud800"', '"\\ud83d\\ude00"', '"\\u0041"', '"\\/"', '"\\x"'),
        *('"\n"', '"a:b"', '"é"', '"', "'a'"),
    ]
)
SPACES = st.sampled_from(["", "", "", " ", "\t\n", "\ufeff", "\u00a0", "//"])


def members(text: Any) -> Any:
    """Objects as text, whose keys may be the same."""
    keys = st.sampled_from(['"event"', '"data"', '"id"', '"a"', '"\\u0061"', "a"])
    pair = st.tuples(keys, SPACES, text).map(lambda parts: f"{parts[0]}{parts[1]}:{parts[2]}")
    return st.lists(pair, max_size=4).map(lambda pairs: "{" + ",".join(pairs) + "}")


TEXTS = st.recursive(
    NUMBERS | STRINGS | st.sampled_from(["null", "true", "false", "[]", "{}"]),
    lambda text: (
        members(text)
        | st.tuples(st.lists(text, max_size=3), SPACES).map(
            lambda parts: "[" + ("," + parts[1]).join(parts[0]) + "]"
        )
    ),
    max_leaves=12,
)
FRAMES = TEXTS | TEXTS.map(lambda data: f'{{"event":"x","data":{data}}}') | st.text(max_size=20)


def outcome(function: Callable[[], Any]) -> Any:
    """Return a comparable form of the result, or the error."""
    try:
        return exact(function())
    except BadFrame as error:
        return error.code, error.message, error.warning, error.re
    except Exception as error:
        return type(error), str(error)


def exact(value: Any) -> str:
    """Return a text that distinguishes types, the order of keys, and -0.0 from 0.0."""
    return repr(value)


def without_orjson(function: Callable[[], Any]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_json, "orjson", None)
        return outcome(function)


def read(text: str) -> Any:
    """Return what a client gets: numbers may be written differently, their values are the same."""
    return json.loads(text)


@given(FRAMES)
@example('{"event":"x","data":{"a":1,"a":1}}')
@example('{"event":"x","data":{"n":18446744073709551616}}')
@example('{"event":"x","data":{"n":-0}}')
@example('{"event":"x","data":' + '{"a":' * 300 + "1" + "}" * 300 + "}")
@example('{"event":"x","data":' + "[" * 100_000)
@example('{"event":"x","data":{"a":' + "[" * 2000 + "]" * 2000 + "}}")
def test_a_frame_is_decoded_as_without_orjson(text: str) -> None:
    for version in (0, 1):
        found = outcome(lambda: decode(text, version))  # noqa: B023
        assert found == without_orjson(lambda: decode(text, version))  # noqa: B023


@given(VALUES)
@example({"n": math.nan})
@example({"a": [1, {"b": -math.inf}], "null": None})
@example({"text": "null"})
@example({"float": 1e16, "small": 1e-7, "less": 5e-324})
def test_a_frame_is_encoded_as_without_orjson(data: Any) -> None:
    def encode() -> Any:
        return read(encode_event("x", {"data": data}))

    assert outcome(encode) == without_orjson(encode)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans() | st.none()))
def test_without_floats_each_character_is_the_same(data: dict[str, Any]) -> None:
    assert outcome(lambda: encode_event("x", data)) == without_orjson(
        lambda: encode_event("x", data)
    )


def test_plain_values_are_read_and_written_by_orjson() -> None:
    data = {"text": "é \U0001f600 \0", "n": 17, "list": [1.5, True, None, {"a": []}]}
    text = fast_json.dump_object(data)
    assert text is not None
    assert text == json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    assert fast_json.load_object(text) == data
    assert fast_json.load_object(json.dumps(data)) is None  # with spaces: read by the json module


def test_objects_that_refer_to_themselves_are_refused() -> None:
    data: dict[str, Any] = {}
    data["self"] = data
    with pytest.raises(ValueError, match="Circular reference"):
        encode_event("x", data)


class Shouting(json.JSONEncoder):
    """An encoder that overrides more than ``default``."""

    def iterencode(self, o: Any, _one_shot: bool = False) -> Any:
        return iter([text.upper() for text in super().iterencode(o, _one_shot)])


class Sorting(json.JSONEncoder):
    """An encoder with options of its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "sort_keys": True})


@pytest.mark.parametrize(
    ("encoder", "text"), [(Shouting, '{"B":1,"A":2}'), (Sorting, '{"a":2,"b":1}')]
)
def test_an_encoder_that_writes_plain_values_itself_is_used(
    encoder: type[json.JSONEncoder], text: str
) -> None:
    assert Serializer(encoder).encode({"b": 1, "a": 2}) == text
