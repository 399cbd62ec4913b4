"""The checks of the matrix: they pass with the demo, and say what is wrong with another one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from matrix import polls, talk
from matrix.demo import Demo
from matrix.environments import read
from matrix.visitor import Unexpected, Visitor
from tests.support.demos import demo_in


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    demo = demo_in(tmp_path_factory.mktemp("matrix"))
    demo.prepare()
    return demo


def test_both_checks_pass_and_keep_the_log(demo: Demo) -> None:
    websocket = demo.check(lambda port: talk.talk(port, "Test for this Python"), talk.LAST)
    assert websocket["works"], websocket["log"]
    log = "\n".join(websocket["log"])
    assert "Someone said: Test for this Python" in log
    assert '"WebSocket /ws/echo/" 1000 received 3 sent 3' in log
    django = demo.check(lambda port: polls.walk(Visitor(f"http://127.0.0.1:{port}")), polls.LAST)
    assert django["works"], django["log"]
    assert '"POST /polls/1/vote/ HTTP/1.1" 302' in "\n".join(django["log"])


def test_a_failure_is_told_with_its_log(demo: Demo) -> None:
    def visit(port: int) -> None:
        Visitor(f"http://127.0.0.1:{port}").get("/nowhere/")

    check = demo.check(visit)
    assert not check["works"]
    assert check["log"][0] == "/nowhere/ responded with 404 instead of 200"
    assert "Not Found: /nowhere/" in check["log"]


def test_a_server_that_does_not_start_is_a_failure(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "c10kws.py").write_text("raise ImportError('no such thing')")
    broken = Demo(Path(sys.executable), tmp_path, {"PYTHONPATH": str(tmp_path)})
    check = broken.check(lambda port: None)
    assert not check["works"]
    assert "no such thing" in "\n".join(check["log"])


def test_nobody_there_is_a_failure(demo: Demo) -> None:
    with demo.serve() as port:
        pass
    with pytest.raises(Unexpected, match="did not respond"):
        Visitor(f"http://127.0.0.1:{port}").get("/")


def test_what_tox_says() -> None:
    lines = [
        "py312-django60-newest-demo: install_deps> python -I -m pip install 'Django~=6.0.0'",
        "py314-django60-newest-demo: skipped because could not find python interpreter",
        "  py312-django60-newest-demo: OK (19.09 seconds)",
        "  py313-django60-newest-demo: FAIL code 1 (2.09 seconds)",
        "  py314-django60-newest-demo: SKIP (0.06 seconds)",
        "  evaluation failed :( (7.90 seconds)",
    ]
    for python, outcome, length in (("py312", "OK", 2), ("py313", "FAIL", 1), ("py314", "SKIP", 2)):
        made = read(f"{python}-django60-newest", lines)
        assert (made.outcome, len(made.log)) == (outcome, length)
    assert read("py311-django52-newest", lines).log == lines  # nothing about it: all is shown
