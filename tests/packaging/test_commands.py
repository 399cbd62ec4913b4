"""``python3 demo`` and ``python3 tests``: what they refuse, when they make an environment anew."""

from __future__ import annotations

import ast
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests import parts, runner
from tests.support.shell import ROOT, clean_variables, run

LAUNCH = "import runpy, sys; sys.argv = ['demo', '--port', '{port}']; {before}; \
runpy.run_path({demo!r}, run_name='__main__')"


@pytest.fixture
def taken_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def refused(clone: Path, port: int, before: str = "pass") -> str:
    """Run the demo in a child that refuses; return what it says."""
    script = LAUNCH.format(port=port, before=before, demo=str(clone / "demo"))
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=clean_variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    return result.stderr


def test_a_port_in_use_is_named(clone: Path, taken_port: int) -> None:
    message = refused(clone, taken_port)
    assert f"port {taken_port} on 127.0.0.1 is in use" in message
    assert "python3 demo --port " in message


def test_a_python_without_its_venv_module_is_refused(clone: Path, port: int) -> None:
    message = refused(clone, port, before="sys.modules['ensurepip'] = None")
    assert "apt-get install python3-venv" in message


def test_an_old_python_is_refused(clone: Path, port: int) -> None:
    message = refused(clone, port, before="sys.version_info = (3, 9, 2, 'final', 0)")
    assert "Python 3.11 or newer is needed and this is 3.9" in message


@pytest.mark.parametrize(
    "path", ["demo/__main__.py", "tools/__init__.py", "tools/launcher.py", "tools/environment.py"]
)
def test_an_old_python_can_read_the_refusal(path: str) -> None:
    ast.parse((ROOT / path).read_text(encoding="utf-8"), feature_version=(3, 7))


def test_an_environment_of_somebody_elses_stays_untouched(clone: Path, port: int) -> None:
    theirs = clone / ".venv" / "pyvenv.cfg"
    theirs.parent.mkdir()
    theirs.write_text("theirs", encoding="utf-8")
    message = refused(clone, port)
    assert "was not made by this command; move it away" in message
    assert theirs.read_text(encoding="utf-8") == "theirs"


def test_an_environment_is_made_anew_only_when_its_lock_has_changed(clone: Path) -> None:
    text = (clone / "requirements" / "demo.txt").read_text(encoding="utf-8")
    setuptools = re.search(r"^setuptools==.*?(?=^\w)", text, re.MULTILINE | re.DOTALL)
    assert setuptools is not None
    lock = clone / "requirements" / "small.txt"
    lock.write_text(setuptools[0], encoding="utf-8")
    script = clone / "small.py"
    script.write_text(
        "import importlib.util, sys\n"
        "from tools import environment\n"
        "environment.enter('.venv-small', 'small.txt')\n"
        "print(sys.prefix, importlib.util.find_spec('c10kws').origin)\n",
        encoding="utf-8",
    )
    entered = f"{clone / '.venv-small'} {clone / 'c10kws' / '__init__.py'}\n"
    made = f"Making .venv-small from requirements/small.txt\n{entered}"
    assert run(sys.executable, script) == made
    assert run(sys.executable, script) == entered
    lock.write_text(f"{setuptools[0]}# changed\n", encoding="utf-8")
    assert run(sys.executable, script) == made


def part(trial: str, *, required: bool = True) -> parts.Part:
    return parts.Part(
        name="a sample",
        variable="C10KWS_SAMPLE",
        places=lambda: iter(["no-such-program", sys.executable]),
        trial=("-c", trial),
        package="sample",
        required=required,
    )


def test_a_part_is_found_where_it_runs() -> None:
    assert part("pass").find() == sys.executable
    assert part("raise SystemExit(1)").find() is None


def test_a_part_that_was_chosen_and_does_not_run_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = str(tmp_path / "chosen")
    monkeypatch.setenv("C10KWS_SAMPLE", chosen)
    assert part("pass").find() is None
    assert part("pass").install() is None
    assert part("pass").hint() == f"C10KWS_SAMPLE names {chosen}, which does not run"


def test_npm_installs_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    npm = tmp_path / "npm"
    npm.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    sample = replace(part("pass"), npm="sample@1.0")
    assert next(sample.ways())[0][-3:] == ["--prefix", str(parts.NPM), "sample@1.0"]
    assert sample.hint() == "npm install --global sample@1.0"
    npm.unlink()
    assert list(sample.ways()) == []


def test_the_service_that_a_package_starts_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "may_use_apt", lambda: True)
    sample = replace(part("pass"), afterwards=("env", "stop"))
    assert next(sample.ways())[-2:] == [["apt-get", "install", "--yes", "sample"], ["env", "stop"]]
    sample = replace(sample, afterwards=("no-such-program", "stop"))
    assert next(sample.ways())[-1] == ["apt-get", "install", "--yes", "sample"]


@pytest.mark.parametrize(
    ("strict", "required", "status"), [(False, True, 0), (True, True, 1), (True, False, 0)]
)
def test_what_is_missing_is_listed_and_may_fail(
    strict: bool,
    required: bool,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", os.devnull)  # no apt-get: a test installs nothing
    monkeypatch.setattr(runner, "PARTS", [part("raise SystemExit(1)", required=required)])
    assert runner.run_tests(["--version"], strict=strict) == status
    assert capfd.readouterr().out.endswith("install sample\n")


def test_the_demo_sets_itself_up_and_echoes(clone: Path, port: int) -> None:
    output = run(sys.executable, clone / "demo", "--once", "--port", str(port))
    assert output.startswith("Making .venv from requirements/demo.txt\n")
    assert f"echo works: http://127.0.0.1:{port}/\n" in output


ONCE = """
from pathlib import Path

def test_passes_the_second_time():
    first = Path("first")
    if not first.exists():
        first.touch()
        raise AssertionError
"""
NEVER = "def test_fails_{}():\n    raise AssertionError\n"


@pytest.mark.parametrize(
    ("files", "status", "repeated"),
    [
        ([ONCE], 0, 1),
        ([ONCE, NEVER.format(1)], 1, 2),
        ([NEVER.format(number) for number in range(runner.MAX_REPEATED + 1)], 1, 0),
    ],
)
def test_a_few_failed_tests_are_repeated(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    files: list[str],
    status: int,
    repeated: int,
) -> None:
    for number, text in enumerate(files):
        (tmp_path / f"test_{number}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(runner.environment, "ROOT", tmp_path)
    monkeypatch.setattr(runner, "PARALLEL", ["-q"])
    assert runner.run_all(clean_variables()) == status
    _, _, again = capfd.readouterr().out.partition("REPEATED, one after another:\n")
    assert len(re.findall(r"^  test_\d+.py::test_\w+$", again, re.MULTILINE)) == repeated
