"""``manage.py testecho``: ten thousand clients that talk to a page."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ...testpages.views import MAX_ROUNDS
from ..arguments import whole_number_above_zero
from ..testecho import descriptors, summary
from ..testecho.phases import run
from ..testecho.plan import Plan, Target

DEFAULT_URL = "ws://127.0.0.1:8000/test/ws/"
#: Exit status of a program that Ctrl-C has ended: 128 + SIGINT.
INTERRUPTED = 130
EPILOG = """\
All clients connect and receive "Hello!". Then each of them sends "Spam?", "Eggs!" and "Python." and
must receive them with their numbers: that is a round. When all clients have finished it, the next
round begins. In the last round each client also receives "Goodbye!" and the closing handshake. All
connections stay open until then, and answer the server's Pings.

The server must have c10kws.testpages in its URLconf; with --rounds 1 any page with the same talk
will do."""

#: The options with a number: flag, unit, default and help.
NUMBERS = (
    ("--clients", "N", 10_000, "Number of connections (10000)."),
    (
        "--rounds",
        "N",
        3,
        f"Number of rounds, at most {MAX_ROUNDS} (3). A round has three messages.",
    ),
    (
        "--concurrency",
        "N",
        32,
        "Number of clients that connect, or talk, at the same time, in all processes together "
        "(32). The others are silent.",
    ),
    (
        "--ramp",
        "N",
        None,
        "New connections a second. The default is as fast as the server answers.",
    ),
    (
        "--processes",
        "N",
        None,
        "Number of client processes; by default as many as the limit of descriptors needs.",
    ),
    (
        "--timeout",
        "SECONDS",
        30,
        "Seconds that a client waits for each answer before it counts as failed (30).",
    ),
)


class Command(BaseCommand):
    """Load test of WebSockets; its clients are in ``c10kws.management.testecho``."""

    help = "Opens many WebSockets to the test page of a running server and talks on all of them."

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> Any:
        """Return Django's parser with a text about rounds."""
        return super().create_parser(prog_name, subcommand, epilog=EPILOG, **options)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--url",
            action="append",
            dest="urls",
            metavar="URL",
            help=f"URL of the WebSocket; the default is {DEFAULT_URL}. Several URLs get an "
            "equal number of clients each.",
        )
        for flag, unit, default, text in NUMBERS:
            parser.add_argument(flag, type=positive, metavar=unit, default=default, help=text)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the test and print its summary; raise CommandError if any client failed."""
        plan = make_plan(options)
        outcome = run(plan, options.get("stderr") or sys.stderr)
        for line in summary.lines(outcome):
            self.stdout.write(line)
        if outcome.interrupted:
            raise CommandError("Interrupted.", returncode=INTERRUPTED)
        if outcome.tally.failed:
            raise CommandError(f"{outcome.tally.failed:,} of {plan.clients:,} clients failed.")


def make_plan(options: dict[str, Any]) -> Plan:
    """Return the plan for the options. Raises CommandError if it is not possible."""
    clients, rounds = options["clients"], options["rounds"]
    if rounds > MAX_ROUNDS:
        raise CommandError(f"--rounds must be at most {MAX_ROUNDS}, not {rounds}.")
    urls = dict.fromkeys(options["urls"] or [DEFAULT_URL])  # each once
    try:
        targets = tuple(Target.parse(url, rounds) for url in urls)
        processes = min(options["processes"] or descriptors.count_processes(clients), clients)
        descriptors.provide(clients, processes)
    except (ValueError, descriptors.TooFewDescriptors) as error:
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
    """Return a whole number above 0, which may contain underscores and commas."""
    return whole_number_above_zero(text.replace(",", ""))
