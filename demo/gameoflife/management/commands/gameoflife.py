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
    """Play a game against a running server."""

    help = "Plays Conway's Game of Life with a WebSocket client for each cell; see /gameoflife/."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        def add(*flags: str, **options: Any) -> None:
            parser.add_argument(*flags, **options)

        add("-s", "--size", type=int, default=32, help="rows and columns of the grid (32)")
        add("-p", "--pattern", help=f"a .cells file or one of: {KNOWN}; random by default")
        add(
            "-C",
            "--no-centre",
            "--no-center",
            action="store_true",
            help="put the pattern into the top left corner",
        )
        add("-W", "--no-wrap", action="store_true", help="do not connect opposite edges")
        add("-n", "--steps", type=int, help="number of steps; by default until Ctrl-C")
        limit = "maximum number of steps a second (1.0)"
        add("-l", "--limit", "--speed", type=float, default=1.0, help=limit)
        add("--seed", type=int, help="number that selects a random grid")
        add("--url", default=URL, help=f"URL of the relay ({URL})")
        add("--print", action="store_true", help="print the grid after STEPS")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            check_numbers(options)
            parse_uri(options["url"])
            living = read_grid(options)
            descriptors.allow(options["size"] ** 2)
        except (OSError, ValueError, InvalidURI) as error:
            raise CommandError(str(error)) from None
        game = make_game(living, options)
        self.stdout.write(f"{options['size'] ** 2:,} cells play; Ctrl-C ends the game.")
        try:
            asyncio.run(game.play())
        except GameStopped as error:
            raise CommandError(f"The game stopped in step {game.step}: {error}") from None
        except KeyboardInterrupt:
            options["print"] = False  # the cells are in different steps
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
    """Raise ValueError for impossible numbers."""
    if not MIN_SIZE <= options["size"] <= MAX_SIZE:
        raise ValueError(f"The size must be {MIN_SIZE} to {MAX_SIZE}, not {options['size']}.")
    if not options["limit"] > 0:
        raise ValueError(f"The limit must be above 0 steps a second, not {options['limit']}.")
    if options["steps"] is not None and options["steps"] < 0:
        raise ValueError(f"The number of steps must be at least 0, not {options['steps']}.")


def make_game(living: Living, options: dict[str, Any]) -> Game:
    """Return the game of these options."""
    return Game(
        options["url"].rstrip("/") + "/",
        living,
        options["size"],
        wrap=not options["no_wrap"],
        limit=options["limit"],
        steps=options["steps"],
    )


def read_grid(options: dict[str, Any]) -> Living:
    """Return the living cells of step 0."""
    if options["pattern"] is None:
        return random_grid(options["size"], options["seed"])
    pattern = plaintext.read(options["pattern"])
    return place(pattern, options["size"], centre=not options["no_centre"])
