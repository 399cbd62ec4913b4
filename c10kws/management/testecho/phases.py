"""A run through all phases, and its outcome."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TextIO

from .ctrl_c import Interrupts
from .memory import Growth, MemoryWatch
from .plan import Plan
from .processes import Interrupted, Processes
from .progress_display import showing
from .tally import Tally


@dataclass(slots=True)
class Outcome:
    """The results of a run, also of an interrupted one."""

    plan: Plan
    tally: Tally = field(default_factory=Tally)
    #: Seconds until all clients were connected or had failed.
    connecting: float | None = None
    #: Growth of the servers' memory while the clients connected, or why it is unknown.
    growth: Growth | str = "the run ended before that"
    interrupted: bool = False


def run(plan: Plan, stream: TextIO) -> Outcome:
    """Carry out a plan and show its progress on the stream. Ctrl-C ends it early."""
    outcome = Outcome(plan)
    with Interrupts() as interrupts, Processes(plan, interrupts) as processes:
        try:
            _run_phases(plan, processes, outcome, stream)
        except Interrupted:
            outcome.interrupted = True
        outcome.tally = processes.stop()
    return outcome


def _run_phases(plan: Plan, processes: Processes, outcome: Outcome, stream: TextIO) -> None:
    watch = MemoryWatch(plan.targets)
    begin = time.monotonic()
    with showing("connecting", plan.clients, stream) as show:
        failed = processes.run_phase(show)
    outcome.connecting = time.monotonic() - begin
    outcome.growth = watch.growth()
    if failed < plan.clients:
        _run_rounds(plan.rounds, plan.clients - failed, processes, stream)


def _run_rounds(rounds: int, clients: int, processes: Processes, stream: TextIO) -> None:
    """Run all rounds and show them as one phase; a client that fails counts as finished."""
    with showing("echoing", rounds * clients, stream) as show:
        for before in range(0, rounds * clients, clients):
            failed = processes.run_phase(show, before)
        show(rounds * clients, failed)
