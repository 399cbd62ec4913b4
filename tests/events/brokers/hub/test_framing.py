"""Frames on a stream."""

from __future__ import annotations

import pytest

from c10kws.events.brokers.hub.framing import MAX_FRAME, FrameParser, ProtocolError, frame


def test_frames_are_found_however_they_arrive() -> None:
    frames = [(1, b""), (2, b"abc"), (255, b"x" * 70_000)]
    data = b"".join(frame(kind, body) for kind, body in frames)
    for size in (1, 3, 7, 65_536, len(data)):
        parser = FrameParser()
        found = []
        for start in range(0, len(data), size):
            found += parser.receive_data(data[start : start + size])
        assert found == frames


def test_a_body_has_parts() -> None:
    assert frame(7, b"a", b"", b"bc") == b"\0\0\0\x04\x07abc"


@pytest.mark.parametrize("length", [0, MAX_FRAME + 1, 2**32 - 1])
def test_a_frame_has_a_kind_and_a_limit(length: int) -> None:
    with pytest.raises(ProtocolError, match=f"{length} bytes"):
        list(FrameParser().receive_data(length.to_bytes(4, "big") + b"\x01"))
