"""``manage.py gameoflife``: a WebSocket client for each cell of Conway's Game of Life."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from websockets.exceptions import InvalidURI
from websockets.uri import parse_uri

from ... import descriptors, plaintext
from ...game import Game, GameStopped
from ...grid import MAX_SIZE, MIN_SIZE, Living, place, random_grid
from ...messages import URL

KNOWN = ", ".join(plaintext.known())


class Command(BaseCommand):
    """Play a game against a server that runs."""

    help = "Plays Conway's Game of Life with a WebSocket client for each cell; see /gameoflife/."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        def add(*flags: str, **options: Any) -> None:
            parser.add_argument(*flags, **options)

        add("-s", "--size", type=int, default=32, help="rows and columns of the grid (32)")
        add("-p", "--pattern", help=f"a .cells file or one of: {KNOWN}; without it: random")
        add(
            "-C",
            "--no-centre",
            "--no-center",
            action="store_true",
            help="put the pattern into the top left",
        )
        add("-W", "--no-wrap", action="store_true", help="let the grid end at its edges")
        add("-n", "--steps", type=int, help="how many; without it the game goes on until Ctrl-C")
        limit = "at most so many steps a second (1.0)"
        add("-l", "--limit", "--speed", type=float, default=1.0, help=limit)
        add("--seed", type=int, help="the same number makes the same random grid")
        add("--url", default=URL, help=f"the WebSocket of the relay ({URL})")
        add("--print", action="store_true", help="print the grid at the end of STEPS")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            check_numbers(options)
            parse_uri(options["url"])
            living = read_grid(options)
            descriptors.allow(options["size"] ** 2)
        except (OSError, ValueError, InvalidURI) as error:
            raise CommandError(str(error)) from None
        game = Game(
            options["url"].rstrip("/") + "/",
            living,
            options["size"],
            wrap=not options["no_wrap"],
            limit=options["limit"],
            steps=options["steps"],
        )
        self.stdout.write(f"{options['size'] ** 2:,} cells play; Ctrl-C ends the game.")
        try:
            asyncio.run(game.play())
        except GameStopped as error:
            raise CommandError(f"The game stopped in step {game.step}: {error}") from None
        except KeyboardInterrupt:
            options["print"] = False  # cells are in the middle of a step
        self.tell(game)
        if options["print"]:
            self.stdout.write(plaintext.render(game.living, game.size), ending="")

    def tell(self, game: Game) -> None:
        """Print the result."""
        if game.step:
            self.stdout.write(
                f"{game.step:,} steps in {game.seconds:.1f} seconds: "
                f"{game.step / game.seconds:.2f} steps and "
                f"{game.heard / game.seconds:,.0f} messages a second"
            )


def check_numbers(options: dict[str, Any]) -> None:
    """Raise ValueError for numbers that make no game."""
    if not MIN_SIZE <= options["size"] <= MAX_SIZE:
        raise ValueError(f"expected a size from {MIN_SIZE} to {MAX_SIZE}, not {options['size']}")
    if not options["limit"] > 0:
        raise ValueError(f"expected a limit of more than 0 steps a second, not {options['limit']}")
    if options["steps"] is not None and options["steps"] < 0:
        raise ValueError(f"expected 0 steps or more, not {options['steps']}")


def read_grid(options: dict[str, Any]) -> Living:
    """Return who lives in step 0."""
    if options["pattern"] is None:
        return random_grid(options["size"], options["seed"])
    pattern = plaintext.read(options["pattern"])
    return place(pattern, options["size"], centre=not options["no_centre"])
