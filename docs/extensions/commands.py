"""The arguments of the commands, from their parsers."""

from __future__ import annotations

from argparse import SUPPRESS, Action, ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

from django.core.management import load_command_class
from django.core.management.base import BaseCommand

from c10kws_tornado import Limits
from c10kws_tornado.__main__ import make_parser

#: The name of the argument that chooses a subcommand.
SUB = "subcommand"


@dataclass(frozen=True, slots=True)
class Flag:
    """An argument of a command."""

    name: str
    #: The flag with its value, as ``--port PORT``.
    signature: str
    help: str


def flags_of(command: str) -> Iterator[Flag]:
    """Yield the arguments of a command; those that all commands of Django have are left out."""
    common = {flag for action in actions(plain_parser()) for flag in action.option_strings}
    parser = PARSERS[command]()
    for action in actions(parser):
        if not common & set(action.option_strings):
            yield Flag(name_of(action), signature_of(action), help_of(action, parser))


def actions(parser: ArgumentParser) -> list[Action]:
    """Return the arguments of a parser that ``--help`` shows."""
    return [action for action in parser._actions if action.help != SUPPRESS]


def help_of(action: Action, parser: ArgumentParser) -> str:
    """Return the text of ``--help``, with defaults, as a sentence."""
    text = parser._get_formatter()._expand_help(action)
    return f"{text[0].upper()}{text[1:].removesuffix('.')}."


def name_of(action: Action) -> str:
    """Return the longest name of an argument."""
    return max(action.option_strings, key=len, default=str(action.metavar or action.dest))


def signature_of(action: Action) -> str:
    """Return an argument as it is typed."""
    if not action.option_strings:
        return f"{name_of(action)} …" if action.nargs in ("*", "+") else name_of(action)
    value = "" if action.nargs == 0 else " " + str(action.metavar or value_of(action))
    return ", ".join(f"{flag}{value}" for flag in action.option_strings)


def value_of(action: Action) -> str:
    """Return a name for the value of a flag."""
    if action.choices:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper()


class Plain(BaseCommand):
    """A command of Django without arguments of its own."""


def plain_parser() -> ArgumentParser:
    """Return the parser of such a command."""
    return Plain().create_parser("manage.py", "plain")


def django_parser(name: str) -> Callable[[], ArgumentParser]:
    """Return a function that makes the parser of a management command of c10kws."""
    return lambda: load_command_class("c10kws", name).create_parser("manage.py", name)


def subparser(command: str, name: str) -> Callable[[], ArgumentParser]:
    """Return a function that returns the parser of a subcommand."""

    def find() -> ArgumentParser:
        (subparsers,) = [each for each in django_parser(command)()._actions if each.dest == SUB]
        assert isinstance(subparsers.choices, dict)
        parser: ArgumentParser = subparsers.choices[name]
        return parser

    return find


def runserver_parser() -> ArgumentParser:
    """Return a parser with the flags that c10kws adds to Django's command."""
    parser = django_parser("runserver")()
    base = load_command_class("django.core", "runserver").create_parser("manage.py", "runserver")
    known = {flag for action in base._actions for flag in action.option_strings}
    for action in list(parser._actions):
        if not action.option_strings or known & set(action.option_strings):
            parser._actions.remove(action)
    return parser


def server_parser() -> ArgumentParser:
    """Return the parser of ``python -m c10kws_tornado``, without the flags of the limits."""
    parser = make_parser()
    limits = {field.name for field in fields(Limits)}
    parser._actions = [action for action in parser._actions if action.dest not in limits]
    return parser


PARSERS: dict[str, Callable[[], ArgumentParser]] = {
    "runserver": runserver_parser,
    "runtornado": django_parser("runtornado"),
    "testecho": django_parser("testecho"),
    **{f"ws {name}": subparser("ws", name) for name in ("list", "stats", "close", "emit")},
    "c10kws_tornado": server_parser,
}
