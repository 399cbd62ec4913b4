"""The compatibility page's installation and integration, step by step as they are written there."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.request import urlopen

import pytest
from websockets.sync.client import connect

from tests.documentation.pages import read
from tests.documentation.reader import Reader
from tests.documentation.serving import WAIT
from tests.support.shell import ROOT

PAGE = ROOT / "docs" / "explanation" / "compatibility.rst"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the steps are those of a Unix shell")


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """The part of the page that is not about the results, whose logs are no code."""
    text = PAGE.read_text(encoding="utf-8")
    part = tmp_path / "steps.rst"
    start, end = text.index("Installation\n---"), text.index("How the versions are tested\n---")
    part.write_text(text[start:end], encoding="utf-8")
    return part


@pytest.fixture
def constraint(tmp_path: Path, distributions: dict[str, Path], constraints: Path) -> Path:
    """A file with which ``pip install c10kws`` takes the wheel, and the lock's versions."""
    path = tmp_path / "constraints.txt"
    wheel = f"c10kws @ {distributions['wheel'].as_uri()}\n"
    path.write_text(wheel + constraints.read_text(encoding="utf-8"), encoding="utf-8")
    return path


def look(address: str) -> None:
    pages = {"/": b"Hello from Django", "/hello-tornado": b"Hello from Tornado"}
    for path, text in pages.items():
        with urlopen(address + path, timeout=WAIT) as response:
            assert response.read() == text
    url = address.replace("http", "ws", 1) + "/ws/echo/"
    with connect(url, open_timeout=WAIT, proxy=None) as websocket:
        websocket.send("Hello!")
        assert websocket.recv(timeout=WAIT) == "Hello!"


def test_the_steps_of_the_page(tmp_path: Path, steps: Path, constraint: Path) -> None:
    folder = tmp_path / "shell"
    folder.mkdir()
    looked = []

    def look_and_tell(address: str) -> None:
        look(address)
        looked.append(address)

    reader = Reader(folder, PIP_CONSTRAINT=str(constraint))
    reader.follow(read(steps), {"the pages and the WebSocket answer": look_and_tell})
    assert looked


def test_the_page_has_all_steps(steps: Path) -> None:
    assert len(read(steps)) == 8
