"""Wheel, sdist and editable install, each in a fresh environment, serve a new project's echo."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect

from .support import ROOT, clean_variables, run

#: Seconds for one thing that a busy machine may take long for.
WAIT = 120

#: The three additions of the README, line for line.
SETTING = """\
INSTALLED_APPS = [
    "c10kws",
"""
VIEW = """\
from c10kws import websocket

@websocket
async def echo(ws):
    async for message in ws:
        await ws.write_message(message)
"""
ROUTE = """\
path("ws/echo/", views.echo),
"""


def test_the_readme_shows_these_additions() -> None:
    lines = [line.strip() for line in (ROOT / "README.rst").read_text(encoding="utf-8").split("\n")]
    text = "\n".join(lines)
    for addition in (SETTING, VIEW, ROUTE):
        assert "\n".join(line.strip() for line in addition.split("\n")) in text


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


@pytest.fixture
def project(python: Path, tmp_path: Path) -> Path:
    """A new project with the three additions of the README."""
    run(python, "-m", "django", "startproject", "site1", tmp_path)
    settings = tmp_path / "site1" / "settings.py"
    put(settings, "INSTALLED_APPS = [\n", SETTING)
    urls = tmp_path / "site1" / "urls.py"
    put(
        urls,
        "from django.urls import path\n",
        "from django.urls import path\nfrom . import views\n",
    )
    put(urls, "urlpatterns = [\n", f"urlpatterns = [\n    {ROUTE}")
    (tmp_path / "site1" / "views.py").write_text(VIEW, encoding="utf-8")
    return tmp_path


def put(path: Path, old: str, new: str) -> None:
    """Replace what must stand in a file exactly once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


@contextmanager
def runserver(python: Path, project: Path) -> Iterator[int]:
    """Run the project's ``runserver`` on a port that the system chooses; give the port."""
    process = subprocess.Popen(
        [python, "-u", "manage.py", "runserver", "--noreload", "127.0.0.1:0"],
        cwd=project,
        env=clean_variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = threading.Timer(WAIT, process.kill)
    watchdog.start()
    output = ""
    try:
        assert process.stdout is not None
        for line in process.stdout:
            output += line
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                yield int(found[1])
                return
        pytest.fail(f"runserver named no address:\n{output}")
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def test_echo(python: Path, project: Path) -> None:
    url = "ws://127.0.0.1:{}/ws/echo/"
    with (
        runserver(python, project) as port,
        connect(url.format(port), open_timeout=WAIT, proxy=None) as websocket,
    ):
        for message in ("Hello!", b"\x00\xff"):
            websocket.send(message)
            assert websocket.recv(timeout=WAIT) == message


def test_only_the_two_packages_can_be_imported(python: Path, tmp_path: Path) -> None:
    names = "c10kws", "c10kws_tornado", "servers", "tests", "demo", "requirements"
    script = f"import importlib.util as i; print([n for n in {names} if i.find_spec(n)])"
    assert run(python, "-c", script, cwd=tmp_path) == "['c10kws', 'c10kws_tornado']\n"
