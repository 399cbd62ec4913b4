"""The raw streams of one server that may still be open."""

from __future__ import annotations

from .stream import RawStream

#: After this many additions, streams that have ended are removed.
SWEEP = 256


class OpenStreams:
    """A set that forgets ended streams from time to time; used on the loop's thread."""

    def __init__(self) -> None:
        self._streams: set[RawStream] = set()

    def add(self, stream: RawStream) -> None:
        """Remember a stream."""
        if len(self._streams) % SWEEP == SWEEP - 1:
            self.sweep()
        self._streams.add(stream)

    def sweep(self) -> None:
        """Forget the streams that have ended."""
        self._streams = {each for each in self._streams if not each.ended}

    def __len__(self) -> int:
        return len(self._streams)

    def abort(self) -> None:
        """Close all streams at once."""
        for stream in self._streams:
            stream.abort()
        self._streams.clear()
