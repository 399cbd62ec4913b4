"""``manage.py testecho``: ten thousand clients for a page that speaks with each of them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...testpages.views import MAX_ROUNDS
from ..testecho import descriptors, summary
from ..testecho.plan import Plan, Target
from ..testecho.run import run

DEFAULT_URL = "ws://127.0.0.1:8000/test/ws/"
#: The exit status of a program that Ctrl-C has ended: 128 + SIGINT.
INTERRUPTED = 130
EPILOG = """\
All clients connect and hear "Hello!". When the last has, each of them says "Spam?", "Eggs!" and
"Python." and must hear them again with their numbers: that is a round. When all are through, the
next round begins. In the last one each hears "Goodbye!" and the closing handshake. Until then
all connections stay open, and answer the server's Pings.

The server must have c10kws.testpages in its URLconf; with --rounds 1 any page will do that says
the same."""


class Command(BaseCommand):
    """The crowd is in ``c10kws.management.testecho``."""

    help = "Opens many WebSockets to the test page of a running server and speaks on all of them."

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> Any:
        """Add to Django's the text about rounds."""
        return super().create_parser(prog_name, subcommand, epilog=EPILOG, **options)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """All are optional."""
        add = parser.add_argument
        add(
            "--url",
            action="append",
            dest="urls",
            metavar="URL",
            help=f"The page, {DEFAULT_URL} by default; give it several times for several servers, "
            "which then get as many clients each.",
        )
        add("--clients", type=positive, metavar="N", default=10_000, help="Connections (10000).")
        add(
            "--rounds",
            type=positive,
            metavar="N",
            default=3,
            help=f"How often the three messages are echoed on each, at most {MAX_ROUNDS} (3).",
        )
        add(
            "--concurrency",
            type=positive,
            metavar="N",
            default=32,
            help="Clients that shake hands, or talk, at the same time, in all processes together "
            "(32). The others are silent meanwhile.",
        )
        add(
            "--ramp",
            type=positive,
            metavar="N",
            help="New connections a second. Without it a client follows as soon as one of those "
            "that shake hands has its answer.",
        )
        add(
            "--processes",
            type=positive,
            metavar="N",
            help="Client processes; by default as many as the limit of file descriptors asks for.",
        )
        add(
            "--timeout",
            type=positive,
            metavar="SECONDS",
            default=30,
            help="How long a client waits for each answer before it counts as failed (30).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, say what came of it, and fail when any client has."""
        plan = make_plan(options)
        outcome = run(plan, options.get("stderr") or sys.stderr)
        for line in summary.lines(outcome):
            self.stdout.write(line)
        if outcome.interrupted:
            raise CommandError("Interrupted.", returncode=INTERRUPTED)
        if outcome.tally.failed:
            raise CommandError(f"{outcome.tally.failed:,} of {plan.clients:,} clients failed.")


def make_plan(options: dict[str, Any]) -> Plan:
    """Return what the options ask for. Raises CommandError when it cannot be."""
    clients, rounds = options["clients"], options["rounds"]
    if rounds > MAX_ROUNDS:
        raise CommandError(f"Expected at most {MAX_ROUNDS} rounds, not {rounds}.")
    urls = dict.fromkeys(options["urls"] or [DEFAULT_URL])  # each once
    try:
        targets = tuple(Target.parse(url, rounds) for url in urls)
        processes = min(options["processes"] or descriptors.count_processes(clients), clients)
        descriptors.provide(clients, processes)
    except (ValueError, descriptors.TooFew) as error:
        raise CommandError(str(error)) from error
    return Plan(
        targets,
        clients,
        rounds,
        processes,
        options["concurrency"],
        options["ramp"],
        options["timeout"],
    )


def positive(text: str) -> int:
    """Return a whole number of at least 1, which may contain underscores and commas."""
    try:
        number = int(text.replace(",", ""))
    except ValueError:
        number = 0
    if number < 1:
        raise ArgumentTypeError(f"expected a number from 1 on, not {text!r}")
    return number
