"""A run, from the first connection to the last, and what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TextIO

from .interrupts import Interrupts
from .memory import Growth, Watch
from .plan import Plan
from .processes import Interrupted, Processes
from .progress import showing
from .tally import Tally


@dataclass(slots=True)
class Outcome:
    """The results of a run, also of an interrupted one."""

    plan: Plan
    tally: Tally = field(default_factory=Tally)
    #: Seconds from the first connection's begin until all were connected, or had failed.
    connecting: float | None = None
    #: Of the servers' memory while all connected, or why that is not known.
    growth: Growth | str = "the run has ended before"
    interrupted: bool = False


def run(plan: Plan, stream: TextIO) -> Outcome:
    """Go through a plan; its progress is shown on the stream. Ctrl-C ends it, with an outcome."""
    outcome = Outcome(plan)
    with Interrupts() as interrupts, Processes(plan, interrupts) as processes:
        try:
            _run_phases(plan, processes, outcome, stream)
        except Interrupted:
            outcome.interrupted = True
        outcome.tally = processes.stop()
    return outcome


def _run_phases(plan: Plan, processes: Processes, outcome: Outcome, stream: TextIO) -> None:
    watch = Watch(plan.targets)
    begin = time.monotonic()
    with showing("connecting", plan.clients, stream) as show:
        failed = processes.run_phase(show)
    outcome.connecting = time.monotonic() - begin
    outcome.growth = watch.growth()
    if failed < plan.clients:
        _run_rounds(plan.rounds, plan.clients - failed, processes, stream)


def _run_rounds(rounds: int, clients: int, processes: Processes, stream: TextIO) -> None:
    """Show them as one; a client that fails counts as finished."""
    with showing("echoing", rounds * clients, stream) as show:
        for before in range(0, rounds * clients, clients):
            failed = processes.run_phase(show, before)
        show(rounds * clients, failed)
