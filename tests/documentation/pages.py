"""Read a page of the documentation as a list of steps: blocks of code, and marks in comments.

A page that tests execute has explicit ``code-block`` directives only. The caption names the file
that a block is typed into; without a caption, the comment in front of it does so::

    .. file: mysite/views.py

    .. code-block:: python

Other marks are ``.. check: what the reader sees`` (a test checks it), ``.. stop: the server`` and
``.. not run: reason``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

MARK = re.compile(r"\.\. (?P<name>file|check|stop|not run): (?P<text>.+)")
DIRECTIVE = re.compile(r"(?P<indent> *)\.\. code-block:: (?P<language>\S+)")
OPTION = re.compile(r" +:(?P<name>[\w-]+): *(?P<value>.*)")
#: A paragraph that ends like this has a block without a language.
LITERAL = re.compile(r"(?!\s*\.\. ).*::$")


@dataclass(frozen=True)
class Block:
    """A block of code and what the page says about it."""

    language: str
    text: str
    #: The file that the reader types it into, "" for none.
    file: str = ""
    #: The reason why no test executes it, "" when one does.
    not_run: str = ""
    #: The numbers of highlighted lines, from 1.
    highlighted: frozenset[int] = field(default=frozenset())


@dataclass(frozen=True)
class Check:
    """A place where a test checks what the reader should see now."""

    name: str


@dataclass(frozen=True)
class Stop:
    """A place where the reader stops the server."""


Step = Block | Check | Stop


def read(page: Path) -> list[Step]:
    """Return the steps of a page in their order."""
    return list(_Reading(page.read_text(encoding="utf-8").splitlines()).steps())


def numbers(ranges: str) -> frozenset[int]:
    """Return the lines that ``:emphasize-lines:`` names, as in ``1,3-5``."""
    bounds = [part.split("-") for part in ranges.split(",") if part]
    return frozenset(number for pair in bounds for number in range(int(pair[0]), int(pair[-1]) + 1))


class _Reading:
    """A page being read from its first line to its last."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._next = 0
        self._marks: dict[str, str] = {}

    def steps(self) -> Iterator[Step]:
        while self._next < len(self._lines):
            line = self._lines[self._next]
            self._next += 1
            if mark := MARK.fullmatch(line.strip()):
                if mark["name"] == "check":
                    yield Check(mark["text"])
                elif mark["name"] == "stop":
                    yield Stop()
                else:
                    self._marks[mark["name"]] = mark["text"]
            elif directive := DIRECTIVE.fullmatch(line):
                yield self._block(directive["language"], len(directive["indent"]))
            else:
                assert not LITERAL.fullmatch(line), f"a block without a language: {line}"
                assert not (line.strip() and self._marks), f"a mark without a block: {line}"

    def _block(self, language: str, indent: int) -> Block:
        """Read the options and the body of the directive whose line was just read."""
        body = list(self._body(indent))
        options = {}
        while body and (option := OPTION.fullmatch(body[0])):
            options[option["name"]] = option["value"]
            del body[0]
        marks, self._marks = self._marks, {}
        return Block(
            language,
            dedent("\n".join(body)).strip("\n") + "\n",
            options.get("caption", marks.get("file", "")),
            marks.get("not run", ""),
            numbers(options.get("emphasize-lines", "")),
        )

    def _body(self, indent: int) -> Iterator[str]:
        """Yield the lines below a directive that are indented more than it is."""
        while self._next < len(self._lines):
            line = self._lines[self._next]
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                return
            self._next += 1
            yield line
