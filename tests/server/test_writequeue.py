"""The queue of a transport's unsent data."""

from __future__ import annotations

import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c10kws_tornado.raw.writequeue import WriteQueue


def test_bytes_are_kept_by_reference() -> None:
    data = bytes(100_000)
    queues = [WriteQueue() for _ in range(3)]
    for queue in queues:
        queue.add(data)
        assert queue.first(1)[0] is data
        queue.advance(10)
        (rest,) = queue.first(1)
        assert isinstance(rest, memoryview)
        assert rest.obj is data


@pytest.mark.parametrize("kind", [bytearray, lambda data: memoryview(bytearray(data))])
def test_what_its_owner_may_change_is_copied(kind: Any) -> None:
    data = kind(b"abcdef")
    queue = WriteQueue()
    queue.add(data, 2)
    data[2:] = b"XXXX"
    assert (queue.size, queue.first(9)) == (4, [b"cdef"])


def test_wide_items_count_as_bytes() -> None:
    queue = WriteQueue()
    queue.add(memoryview(array.array("I", [1, 2])))
    assert queue.size == 8


def test_nothing_is_not_queued() -> None:
    queue = WriteQueue()
    queue.add(b"")
    queue.add(b"ab", 2)
    queue.add(b"ab", 3)
    assert (queue.size, queue.first(9)) == (0, [])


@given(
    pieces=st.lists(st.binary(max_size=20), min_size=1),
    steps=st.lists(st.tuples(st.booleans(), st.integers(1, 30))),
)
def test_what_leaves_is_what_was_added(pieces: list[bytes], steps: list[tuple[bool, int]]) -> None:
    queue, seen, whole = WriteQueue(), b"", b"".join(pieces)
    for piece in pieces:
        queue.add(piece)
    for takes, size in steps:
        if not queue.size:
            break
        if takes:
            chunk = bytes(queue.take(size))
            assert 0 < len(chunk) <= size
        else:
            chunk = b"".join(queue.first(size))[:size]
            queue.advance(len(chunk))
        seen += chunk
        assert queue.size == len(whole) - len(seen)
    assert seen + b"".join(queue.first(len(pieces))) == whole
