"""``manage.py ws``: the connections of the running processes, and events to them, in a terminal."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Callable, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from ...control.asking import Answers, ask_all, ask_in_turn
from ...control.endpoints import UnknownEndpoint, find_endpoint
from ...control.people import keys_of, keys_with, names_of
from ...control.texts import connections_of, duration_of, latency_of
from ...events.exceptions import BrokerUnavailable
from ...events.frames.serialization import encode_event
from ...handlers.servers import servers
from ...measuring.values import Value, Values
from ...protocol.closing import CloseCode, check_close
from ...runtime_directory import UnsafeDirectory
from ..arguments import whole_number_above_zero

#: Rows of ``ws list`` by default.
LIMIT = 100
COLUMNS = ("id", "user", "address", "age", "received", "sent", "queued", "latency", "path", "rooms")
#: The first column, if several processes have answered.
PROCESS = "process"
#: Columns that are aligned to the right.
NUMBERS = {"age", "received", "sent", "queued", "latency"}
#: The longest text of a column, except for the last ones.
MAX_WIDTH = 40


class Command(BaseCommand):
    """Ask the processes of this project: those of this user on this machine, and by a broker."""

    help = "Lists or closes the open WebSockets of running servers, prints statistics, or emits."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the subcommands."""
        commands = parser.add_subparsers(dest="subcommand", required=True)
        list_ = _add(commands, "list", "List the open WebSockets.")
        list_.add_argument(
            "--limit",
            type=whole_number_above_zero,
            default=LIMIT,
            help=f"Maximum number of rows; {LIMIT} by default.",
        )
        stats = _add(commands, "stats", "Print the statistics of all processes together.")
        close = _add_close(commands)
        _add_emit(commands)
        for each in (list_, close):
            each.add_argument("--user", help="Only this user: name or primary key.")
            each.add_argument("--endpoint", help="Only this URL pattern or path of an EventSocket.")
            each.add_argument("--search", help="Only if path, address, user or room contain this.")
        for each in (list_, stats):
            each.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, *args: Any, subcommand: str, **options: Any) -> None:
        """Run a subcommand."""
        self._problems: set[str] = set()
        commands = {"list": self.show_list, "stats": self.show_statistics}
        commands |= {"close": self.close, "emit": self.emit}
        commands[subcommand](options)

    def show_list(self, options: dict[str, Any]) -> None:
        """Print the connections."""
        asked = self.filter_of(options)
        request = {"operation": "list", "limit": options["limit"], "filter": asked}
        answers = self.ask(request)
        results = answers.results
        rows = sorted((row for each in results for row in each["rows"]), key=lambda r: -r["age"])
        rows, total = rows[: options["limit"]], sum(each["total"] for each in results)
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        users = {row["user"] for row in rows if row["user"] is not None}
        names: dict[str, str] = self.from_database(names_of, users, {})
        columns = (PROCESS, *COLUMNS) if len(answers.processes) > 1 else COLUMNS
        for line in table([columns, *(cells_of(row, names, columns) for row in rows)]):
            self.stdout.write(line)
        self.stdout.write(f"{len(rows)} of {connections_of(total)}.")

    def show_statistics(self, options: dict[str, Any]) -> None:
        """Print the sums of the numbers of all processes."""
        values = Values()
        for each in self.ask({"operation": "stats"}).results:
            values.update(Values.decode(each["snapshot"].encode()))
        if options["json"]:
            self.stdout.write(values.encode().decode())
            return
        for name, family in values:
            for labels, value in sorted(family.items()):
                line = " ".join((name.removeprefix("c10kws_"), *labels))
                self.stdout.write(f"{line}: {number_of(value)}")

    def close(self, options: dict[str, Any]) -> None:
        """Close connections."""
        asked = self.filter_of(options)
        if options["ids"]:
            asked["ids"] = options["ids"]
        if not asked and not options["all"]:
            raise CommandError("Choose connections by IDs, --user, --endpoint, --search or --all.")
        code, reason = options["code"], options["reason"]
        try:
            check_close(code, reason)
        except ValueError as error:
            raise CommandError(str(error)) from error
        request = {"operation": "close", "filter": asked, "all": options["all"]}
        request |= {"code": code, "reason": reason}
        closed = sum(each["closed"] for each in self.ask(request).results)
        self.stdout.write(f"Closed {connections_of(closed)}.")

    def emit(self, options: dict[str, Any]) -> None:
        """Emit an event, here or in the processes that serve."""
        event, data, room = options["event"], data_of(options["data"]), options["room"]
        try:
            endpoint = find_endpoint(options["endpoint"])
            encode_event(event, data, refused=endpoint.never_emitted)
            if servers.serving or endpoint.emitter.reaches_other_processes:
                target = endpoint if room is None else endpoint.to(room)
                target.emit(event, data, on_commit=False)
            else:
                request = {"operation": "emit", "endpoint": endpoint.path, "event": event}
                self.emit_in_processes(request | {"data": data, "room": room})
        except (BrokerUnavailable, UnknownEndpoint, ValueError) as error:
            raise CommandError(str(error)) from error
        whom = "" if room is None else f", to the room {room!r}"
        self.stdout.write(f"Emitted {event!r} on {endpoint.path}{whom}.")

    def emit_in_processes(self, request: dict[str, Any]) -> None:
        """Emit in each process that serves, but only in one if a broker connects them."""
        answers = Answers()
        try:
            for answers in ask_in_turn(request):
                if answers.results and answers.results[-1]["reaches_others"]:
                    break
        except UnsafeDirectory as error:
            raise CommandError(str(error)) from error
        self.report(answers)

    def filter_of(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the filter of a request."""
        asked = {name: options[name] for name in ("endpoint", "search") if options[name]}
        if options["search"]:
            asked["search_users"] = self.from_database(keys_with, options["search"], [])
        if options["user"]:
            asked["users"] = self.from_database(keys_of, options["user"], [options["user"]])
        return asked

    def from_database(self, find: Callable[[Any], Any], argument: Any, default: Any) -> Any:
        """Return what a function finds, or the default if the database does not answer."""
        try:
            return find(argument)
        except DatabaseError as error:
            problem = f"Users are shown and found by primary key: {error}"
            if problem not in self._problems:
                self._problems.add(problem)
                self.stderr.write(problem)
            return default

    def ask(self, request: dict[str, Any]) -> Answers:
        """Return the answers of all processes; print the problems of the others."""
        try:
            answers = ask_all(request)
        except UnsafeDirectory as error:
            raise CommandError(str(error)) from error
        self.report(answers)
        return answers

    def report(self, answers: Answers) -> None:
        """Print the problems; end with an error if there is no result."""
        for problem in answers.problems:
            self.stderr.write(problem)
        if answers.none:
            raise CommandError(answers.none)
        if not answers.results:
            sys.exit(1)


def _add(commands: _SubParsersAction[Any], name: str, text: str) -> ArgumentParser:
    parser: ArgumentParser = commands.add_parser(name, help=text, description=text)
    return parser


def _add_close(commands: _SubParsersAction[Any]) -> ArgumentParser:
    close = _add(commands, "close", "Close WebSockets.")
    close.add_argument("ids", nargs="*", metavar="id", help="ID of a connection, from ws list.")
    close.add_argument("--all", action="store_true", help="Close all open WebSockets.")
    close.add_argument(
        "--code",
        type=int,
        default=CloseCode.POLICY_VIOLATION.value,
        help="Close code; 1008 by default. After a code such as 1012, clients reconnect.",
    )
    close.add_argument("--reason", default="", help="Reason for the client, at most 123 bytes.")
    return close


def _add_emit(commands: _SubParsersAction[Any]) -> None:
    emit = _add(commands, "emit", "Emit an event to the clients of an EventSocket.")
    emit.add_argument("endpoint", help="Path of the EventSocket, or a URL that leads to it.")
    emit.add_argument("event", help="Name of the event.")
    emit.add_argument("data", nargs="?", help="JSON: an object, or a string in quotes.")
    emit.add_argument("--room", help="Only to the clients in this room.")


def data_of(text: str | None) -> dict[str, Any] | str | None:
    """Return the data of an event. Raises CommandError."""
    if text is None:
        return None
    try:
        data = json.loads(text)
    except (RecursionError, ValueError) as error:
        raise CommandError(f"The data is not valid JSON: {error}") from error
    if not isinstance(data, dict | str):
        raise CommandError(f"The data must be a JSON object or a string, not {text}.")
    return data


def cells_of(row: dict[str, Any], names: dict[str, str], columns: Sequence[str]) -> list[str]:
    """Return the texts of a row."""
    user, latency = row["user"], row["latency"]
    texts = {
        "user": "" if user is None else names.get(user, user),
        "age": duration_of(row["age"]),
        "latency": "" if latency is None else latency_of(latency),
        "rooms": ", ".join(row["rooms"]),
    }
    return [texts.get(name, str(row[name])) for name in columns]


def number_of(value: Value) -> str:
    """Return the text of a number, or of the number and the sum of durations."""
    if isinstance(value, list):
        *counts, seconds = value
        return f"{sum(counts):.0f} in {seconds:.3f} s"
    return f"{value:.0f}" if value == int(value) else f"{value:.6f}"


def table(rows: list[Any]) -> list[str]:
    """Return lines with aligned columns: texts to the left, numbers to the right."""
    columns = list(zip(*rows, strict=True))
    widths = [min(max(map(len, column)), MAX_WIDTH) for column in columns]
    signs = [">" if name in NUMBERS else "<" for name in rows[0]]
    line = "  ".join(f"{{:{sign}{width}}}" for sign, width in zip(signs, widths, strict=True))
    return [line.format(*row).rstrip() for row in rows]
