"""Reading a page and typing its blocks into files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documentation.editor import apply, change, type_in
from tests.documentation.pages import Block, Check, Stop, read

PAGE = """\
Title
=====

.. file: one.py

.. code-block:: python

    first = 1

    second = 2

Text.

1. In a list:

   .. code-block:: console

       $ python one.py

.. stop: the server
.. check: it works

.. not run: It takes too long.

.. code-block:: html
    :caption: two.html
    :emphasize-lines: 1,3-4

    <p>
"""
SETTINGS = """\
import os

APPS = [
    "one",
    "two",
]

LAST = 1
"""


def page(folder: Path, text: str) -> Path:
    path = folder / "page.rst"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_steps_of_a_page(tmp_path: Path) -> None:
    assert read(page(tmp_path, PAGE)) == [
        Block("python", "first = 1\n\nsecond = 2\n", "one.py"),
        Block("console", "$ python one.py\n"),
        Stop(),
        Check("it works"),
        Block("html", "<p>\n", "two.html", "It takes too long.", frozenset({1, 3, 4})),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Write::\n\n    code\n", "a block without a language"),
        (".. file: one.py\n\nText.\n", "a mark without a block"),
    ],
)
def test_a_page_that_cannot_be_executed(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        read(page(tmp_path, text))


def test_a_whole_file_is_written(tmp_path: Path) -> None:
    type_in(Block("python", "x = 1\n", "folder/x.py"), tmp_path)
    assert (tmp_path / "folder" / "x.py").read_text() == "x = 1\n"


def test_new_lines_are_inserted_at_their_place() -> None:
    block = Block("python", '# ...\nAPPS = [\n    "new",\n    "one",\n    # ...\n')
    assert change(block, SETTINGS) == SETTINGS.replace("APPS = [\n", 'APPS = [\n    "new",\n')


def test_new_lines_before_a_line_of_the_file() -> None:
    block = Block("python", '# ...\n    "new",\n]\n# ...\n')
    assert change(block, SETTINGS) == SETTINGS.replace("]\n", '    "new",\n]\n')


def test_new_lines_at_the_end() -> None:
    assert change(Block("python", "# ...\n\nNEW = 2\n"), SETTINGS) == SETTINGS + "\nNEW = 2\n"


def test_the_highlighted_lines_are_the_new_ones() -> None:
    block = Block("python", "# ...\n\nNEW = 2\n", highlighted=frozenset({1}))
    with pytest.raises(AssertionError, match=r"highlight \[3\]"):
        change(block, SETTINGS)


def test_a_block_with_nothing_new_is_refused() -> None:
    with pytest.raises(AssertionError, match="nothing is new"):
        change(Block("python", "# ...\nLAST = 1\n"), SETTINGS)


def test_a_diff() -> None:
    assert apply(' APPS = [\n-    "one",\n+    "1",\n', SETTINGS) == SETTINGS.replace("one", "1")
    with pytest.raises(AssertionError, match="not there"):
        apply("-nothing\n+something\n", SETTINGS)
