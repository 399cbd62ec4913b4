"""``GarbagePauses``: how long Python's garbage collector has stopped the process."""

from __future__ import annotations

import gc
import time
from typing import Any


class GarbagePauses:
    """Numbers and seconds of collections by generation, and the longest one."""

    def __init__(self) -> None:
        self.counts = [0, 0, 0]
        self.seconds = [0.0, 0.0, 0.0]
        self.longest = 0.0
        self._began = 0.0
        self.measuring = False

    def measure(self) -> None:
        """Measure collections from now on."""
        if not self.measuring:
            self.measuring = True
            gc.callbacks.append(self._observe)

    def _observe(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
            return
        seconds, generation = time.perf_counter() - self._began, info["generation"]
        self.counts[generation] += 1
        self.seconds[generation] += seconds
        self.longest = max(self.longest, seconds)


#: The pauses of this process.
garbage_pauses = GarbagePauses()
