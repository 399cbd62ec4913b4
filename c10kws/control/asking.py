"""``ask_all()``: a request to all processes of the site that serve.

Those of this machine are asked over Unix sockets, which also works while an event loop is blocked
or the broker is lost. If a broker reaches other machines, the request travels by this broker, too.
It names the processes that are asked already, so each process answers once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..events.brokers.base import Broker
from ..events.exceptions import BrokerUnavailable
from ..handlers.servers import servers
from ..runtime_directory import directory_path
from . import links
from .broker_of_machines import broker_of_machines
from .plain_data import Data
from .process import name_of, this_process
from .question import Question
from .replies import VERSION, reply_to

#: Seconds within which a process must answer.
DEADLINE = 3.0


@dataclass(slots=True)
class Answers:
    """The results of all processes, and what is wrong with those that did not answer."""

    results: list[Data] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    #: The names of the processes that have answered.
    processes: set[str] = field(default_factory=set)
    #: The alias of a broker that carried the request to other machines.
    broker: str | None = None

    @property
    def none(self) -> str:
        """A sentence if there are no such processes, otherwise an empty text."""
        if self.results or self.problems:
            return ""
        places = [f"in {directory_path()}"] if links.available() else []
        places += [] if self.broker is None else [f"by the broker {self.broker!r}"]
        if not places:
            return "This system has no Unix sockets. Use a broker that reaches other machines."
        condition = "must run as the same user on this machine, and " if self.broker is None else ""
        return (
            f"No server of this project was found {' or '.join(places)}. A server {condition}is "
            "found after its first request."
        )

    def add(self, reply: Data | str | None) -> None:
        """Add the reply of a process, or its problem; None for a process that has ended."""
        if isinstance(reply, str):
            self.problems.append(reply)
        if not isinstance(reply, dict):
            return
        process = str(reply.get("process"))
        self.processes.add(process)
        if "result" in reply and reply.get("version") == VERSION:
            self.results.append(reply["result"])
        else:
            self.problems.append(f"Process {process}: {reply.get('error', 'no result')}")
        if "problem" in reply:
            self.problems.append(f"Process {process}: {reply['problem']}")


def ask_all(request: Mapping[str, Any]) -> Answers:
    """Ask all processes of this project that serve. Raises :exc:`.UnsafeDirectory`."""
    answers, found = Answers(), links.find_sockets()
    asked = {links.process_of(path).token for path in found}
    if this_process().token not in asked and servers.running:  # it serves without a socket
        answers.add(reply_to({"version": VERSION, **request}))
    broker = broker_of_machines()
    answers.broker = None if broker is None else broker.alias
    with ThreadPoolExecutor(min(len(found) + 1, 32), "c10kws-ask") as pool:
        elsewhere = pool.submit(_ask_elsewhere, broker, request, {*asked, this_process().token})
        for result in [*pool.map(lambda path: _ask(path, request), found), *elsewhere.result()]:
            answers.add(result)
    return answers


def ask_in_turn(request: Mapping[str, Any]) -> Iterator[Answers]:
    """Ask the processes of this machine one after another; yield the answers after each.

    Raises :exc:`.UnsafeDirectory`.
    """
    answers = Answers()
    for path in links.find_sockets():
        answers.add(_ask(path, request))
        yield answers


def _ask_elsewhere(
    broker: Broker | None, request: Mapping[str, Any], asked: Collection[str]
) -> list[Data | str]:
    """Return the replies and problems of the processes that are not asked yet."""
    if broker is None:
        return []
    problem = broker.problem
    if problem is None:
        try:
            return Question(broker).ask(request, asked, DEADLINE)
        except BrokerUnavailable as error:
            problem = str(error)
    return [f"{problem} Only processes of this machine were asked."]


def _ask(path: Path, request: Mapping[str, Any]) -> Data | str | None:
    """Return the reply of a process, a problem, or None if the process has ended."""
    try:
        return links.ask(path, dict(request), DEADLINE)
    except (OSError, ValueError) as error:
        name = name_of(links.process_of(path).pid)
        return f"Process {name} did not answer: {error!r}."
