"""Slots of gunicorn's workers, without gunicorn."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from c10kws.gunicorn.slots import MIN_WORKERS, Slots

pytestmark = pytest.mark.skipif(os.name != "posix", reason="gunicorn needs POSIX")

#: No process has it.
FREE_PID = 2**30
CFG = SimpleNamespace(workers=1)


@dataclass
class Booting:
    cfg: Any = field(default_factory=lambda: CFG)
    pid: int | str = "[booting]"


@pytest.mark.parametrize("pid", [FREE_PID, "[booting]"])
def test_the_slot_of_a_worker_that_ends_before_it_serves_is_used_again(pid: int | str) -> None:
    slots = Slots()
    indexes = [slots.assign(Booting(pid=pid)) for _ in range(3 * MIN_WORKERS)]
    assert set(indexes) == {0}


def test_running_workers_keep_their_slots() -> None:
    slots = Slots()
    indexes = [slots.assign(Booting(pid=os.getpid())) for _ in range(2 * MIN_WORKERS + 1)]
    assert indexes == [*range(2 * MIN_WORKERS), None]
