"""The compatibility page's installation and integration, step by step as they stand there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from urllib.request import urlopen

import pytest
from websockets.sync.client import connect

from tests.support.shell import ROOT, clean_variables

#: Seconds for one thing that a busy machine may take long for.
WAIT = 120
#: The sentence before a literal block, and the block.
BLOCK = re.compile(r"^(\S[^\n]*(?:\n\S[^\n]*)*)::\n\n((?:    [^\n]*\n|\n)+)", re.MULTILINE)
SERVE = "python manage.py runtornado 8000\n"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the steps are those of a Unix shell")


def blocks(title: str) -> list[tuple[str, str]]:
    """Return what a section of the page says before each literal block, and the blocks."""
    page = (ROOT / "docs" / "explanation" / "compatibility.rst").read_text(encoding="utf-8")
    _, _, rest = page.partition(f"\n{title}\n{'-' * len(title)}\n")
    section = re.split(r"\n[^\n]+\n-{3,}\n", rest, maxsplit=1)[0]
    return [(said, dedent(block)) for said, block in BLOCK.findall(section)]


@pytest.fixture
def shell(tmp_path: Path, distributions: dict[str, Path], constraints: Path) -> dict[str, str]:
    """Variables with which ``pip install c10kws`` takes the wheel, and the lock's versions."""
    own = tmp_path / "constraints.txt"
    wheel = f"c10kws @ {distributions['wheel'].as_uri()}\n"
    own.write_text(wheel + constraints.read_text(encoding="utf-8"), encoding="utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return clean_variables() | {"PIP_CONSTRAINT": str(own), "PATH": path, "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def steps(tmp_path: Path) -> str:
    """A script of all commands, but the last, which serves; files are written before it runs."""
    script = "".join(block for _, block in blocks("Installation"))
    project = tmp_path / "DjangoTestWebsockets"
    for said, block in blocks("Integration"):
        if (found := re.search(r"``(\S+\.py)``", said)) is None:
            script += block.replace(SERVE, "")
            continue
        copy = tmp_path / f"{len(list(tmp_path.iterdir()))}.txt"
        copy.write_text(block, encoding="utf-8")
        script += f"cat {copy} {'>>' if 'Add to the end' in said else '>'} {project / found[1]}\n"
    return script


@pytest.fixture
def port(tmp_path: Path, shell: dict[str, str], steps: str) -> Iterator[int]:
    """The port on which the last step serves the project; the system chooses it."""
    serve = SERVE.replace("8000", "127.0.0.1:0")
    process = subprocess.Popen(
        ["sh", "-e", "-c", f"{steps}\nexec {serve}"],
        cwd=tmp_path,
        env=shell,
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
                break
        else:
            pytest.fail(f"runtornado named no address:\n{output}")
    finally:
        watchdog.cancel()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=WAIT)


def test_the_steps_of_the_page(port: int) -> None:
    pages = {"/": b"Hello from Django", "/hello-tornado": b"Hello from Tornado"}
    for path, text in pages.items():
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=WAIT) as response:
            assert response.read() == text
    url = f"ws://127.0.0.1:{port}/ws/echo/"
    with connect(url, open_timeout=WAIT, proxy=None) as websocket:
        websocket.send("Hello!")
        assert websocket.recv(timeout=WAIT) == "Hello!"


def test_the_page_has_all_steps() -> None:
    assert len(blocks("Installation")) == 2
    integration = blocks("Integration")
    assert len(integration) == 5
    assert SERVE in integration[-1][1]
