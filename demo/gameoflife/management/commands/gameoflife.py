"""``manage.py gameoflife``: a WebSocket client for each cell of Conway's Game of Life."""

from __future__ import annotations

import asyncio
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ... import descriptors, patterns
from ...game import Game, GameStopped
from ...grid import MAX_SIZE, MIN_SIZE, Living, place, random_grid

URL = "ws://127.0.0.1:8000/gameoflife/ws/"


class Command(BaseCommand):
    """Play a game against a server that runs."""

    help = "Plays Conway's Game of Life with a WebSocket client for each cell; see /gameoflife/."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("-s", "--size", type=int, default=32, help="rows and columns of the grid (32)")
        add(
            "-p",
            "--pattern",
            metavar="PATTERN",
            help="a file in the .cells format, or one of: " + ", ".join(patterns.known()) + "; "
            "without it the grid is random",
        )
        add("-C", "--no-centre", action="store_true", help="put the pattern into the top left")
        add("-W", "--no-wrap", action="store_true", help="let the grid end at its edges")
        add("-n", "--steps", type=int, metavar="STEPS", help="how many; without it until Ctrl-C")
        add("-l", "--limit", type=float, default=1.0, help="at most so many steps a second (1.0)")
        add("--seed", type=int, help="make the same random grid each time")
        add("--url", default=URL, help=f"the WebSocket of the relay ({URL})")
        add("--print", action="store_true", help="print the last step of a game with STEPS")

    def handle(self, *args: Any, **options: Any) -> None:
        check(options)
        try:
            living = read_grid(options)
            descriptors.allow(options["size"] ** 2)
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from None
        asyncio.run(self.play(living, options))

    async def play(self, living: Living, options: dict[str, Any]) -> None:
        """Play, and say how it went."""
        started = time.monotonic()

        def begun() -> None:
            nonlocal started
            seconds, started = time.monotonic() - started, time.monotonic()
            self.stdout.write(f"{options['size'] ** 2:,} cells connected in {seconds:.1f} seconds")
            self.stdout.flush()

        game = Game(
            options["url"].rstrip("/") + "/",
            living,
            options["size"],
            wrap=not options["no_wrap"],
            limit=options["limit"],
            steps=options["steps"],
            begun=begun,
        )
        try:
            await game.play()
        except GameStopped as error:
            raise CommandError(str(error)) from None
        finally:
            seconds = time.monotonic() - started
            self.stdout.write(f"{game.step} {seconds} {game.heard}")
        if options["print"]:
            self.stdout.write(patterns.render(game.living, game.size), ending="")


def check(options: dict[str, Any]) -> None:
    """Raise CommandError for numbers that make no game."""
    if not MIN_SIZE <= options["size"] <= MAX_SIZE:
        raise CommandError(
            f"expected a size from {MIN_SIZE} to {MAX_SIZE}, not {options['size']}"
        )
    if not options["limit"] > 0:
        raise CommandError(f"expected a limit over 0 steps a second, not {options['limit']}")
    if options["steps"] is not None and options["steps"] < 0:
        raise CommandError(f"expected no less than 0 steps, not {options['steps']}")


def read_grid(options: dict[str, Any]) -> Living:
    """Return who lives in step 0."""
    if options["pattern"] is None:
        return random_grid(options["size"], options["seed"])
    pattern = patterns.read(options["pattern"])
    return place(pattern, options["size"], centre=not options["no_centre"])
