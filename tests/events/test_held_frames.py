"""Frames that are held while ``open`` runs."""

from __future__ import annotations

import pytest

from c10kws.events.clients.held_frames import HeldFrames, TooManyHeldFrames


def test_held_frames_are_released_in_order_after_the_first_one() -> None:
    held = HeldFrames(1000)
    assert held.put("own", alone=True)
    assert held.put("broadcast", alone=False)
    written: list[str] = []
    held.release(written.append, "hello")
    assert written == ["hello", "own", "broadcast"]
    assert not held.put("late", alone=True)


def test_a_client_that_is_not_accepted_gets_no_broadcast() -> None:
    held = HeldFrames(1000)
    for text, alone in (("one", True), ("all", False), ("two", True)):
        held.put(text, alone=alone)
    written: list[str] = []
    held.drop(written.append)
    assert written == ["one", "two"]
    assert held.put("late", alone=True)  # dropped
    held.release(written.append, "hello")
    assert written == ["one", "two"]


def test_dropped_frames_are_not_written() -> None:
    held = HeldFrames(1000)
    held.put("own", alone=True)
    held.drop()
    written: list[str] = []
    held.release(written.append)
    assert written == []


def test_frames_are_bounded_in_bytes() -> None:
    held = HeldFrames(1000)
    held.put("x" * 1100, alone=True)  # one frame always fits
    with pytest.raises(TooManyHeldFrames, match=r"More than 1000 bytes \(MAX_QUEUE_BYTES\)"):
        held.put("y", alone=False)
