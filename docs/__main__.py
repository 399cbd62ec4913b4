"""Build the documentation: ``python3 docs [--output FOLDER] [--here]``.

Makes ``.venv-tests`` from ``requirements/tests.txt``, the environment of ``python3 tests``, which
has Sphinx. Writes the site to ``docs/_build/html`` and runs the examples that are written as
sessions of the Python prompt. A warning is an error, and so is a link within the site that leads
nowhere.

``--output FOLDER``
    Write there instead of ``docs/_build``.
``--here``
    Use this Python as it is, with the Sphinx that it has.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # the repository

from tools import environment  # noqa: E402
from tools.launcher import launch  # noqa: E402

DOCS = Path(__file__).resolve().parent


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python3 docs", description="Build the documentation.", allow_abbrev=False
    )
    parser.add_argument("--output", type=Path, default=DOCS / "_build", metavar="FOLDER")
    parser.add_argument("--here", action="store_true", help="use this Python as it is")
    options = parser.parse_args()
    if not options.here:
        environment.enter(".venv-tests", "tests.txt")
    output: Path = options.output.resolve()
    status = build("html", output, "--fresh-env") or build("doctest", output)
    if not status:
        print(f"Written: {output / 'html' / 'index.html'}")
    return status


def build(builder: str, output: Path, *arguments: str) -> int:
    """Run one of Sphinx's builders, which share what they have read; return its exit status.

    A page that is not read again gives no warnings, so the first builder reads all of them.
    """
    options = ["--quiet", "--fail-on-warning", "--builder", builder, *arguments]
    folders = ["--doctree-dir", str(output / "doctrees"), str(DOCS), str(output / builder)]
    command = [sys.executable, "-m", "sphinx", *options, *folders]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    launch(main)
