"""Wheel, sdist and editable install, each in a fresh environment, serve the README's echo."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.documentation.pages import read
from tests.documentation.reader import Reader
from tests.documentation.serving import WAIT
from tests.support.shell import ROOT, run


@pytest.fixture(scope="module", params=["wheel", "sdist", "editable"])
def python(
    request: pytest.FixtureRequest,
    tree: Path,
    distributions: dict[str, Path],
    constraints: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The interpreter of a fresh environment with nothing in it but c10kws, installed by pip."""
    folder = tmp_path_factory.mktemp(request.param) / "environment"
    venv.create(folder, symlinks=sys.platform != "win32")
    python = (
        next(folder.glob("bin/python")) if sys.platform != "win32" else folder / "Scripts/python"
    )
    target = ["--editable", tree] if request.param == "editable" else [distributions[request.param]]
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    run(*pip, "--constraint", constraints, *target)
    return python


def echo(address: str) -> None:
    """Send messages to the view that the README has added."""
    url = address.replace("http", "ws", 1) + "/ws/echo/"
    with connect(url, open_timeout=WAIT, proxy=None) as websocket:
        for message in ("Hello!", b"\x00\xff"):
            websocket.send(message)
            assert websocket.recv(timeout=WAIT) == message


def test_the_steps_of_the_readme(python: Path, tmp_path: Path) -> None:
    Reader(tmp_path, python).follow(read(ROOT / "README.rst"), {"the console shows hello": echo})


def test_only_the_two_packages_can_be_imported(python: Path, tmp_path: Path) -> None:
    names = "c10kws", "c10kws_tornado", "servers", "tests", "demo", "requirements"
    script = f"import importlib.util as i; print([n for n in {names} if i.find_spec(n)])"
    assert run(python, "-c", script, cwd=tmp_path) == "['c10kws', 'c10kws_tornado']\n"
