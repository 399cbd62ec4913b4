"""The Autobahn|Testsuite as a fuzzing client: its cases, a run of them, and its results."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.python27 import run
from tools.processes import Failed, running, tail

#: Our name in the suite's reports, and the beginning of their files' names.
AGENT = "c10kws"
LIST_CASES = (
    "from autobahntestsuite.case import CaseBasename, Cases\n"
    "for case in Cases:\n"
    "    print(case.__name__[len(CaseBasename):].replace('_', '.'))\n"
)


@dataclass(frozen=True)
class Result:
    """How one case went, in the suite's words."""

    #: Its number: ``"6.4.1"``.
    case: str
    #: What came back: OK, NON-STRICT, INFORMATIONAL, UNIMPLEMENTED, FAILED …
    behavior: str
    #: How the connection ended: OK, WRONG CODE, UNCLEAN, FAILED BY CLIENT, INFORMATIONAL, FAILED …
    behavior_close: str
    #: The code of our Close frame, None when there was none.
    close_code: int | None
    #: The suite's sentence about the messages, and that about the end.
    result: str
    result_close: str


def list_cases(python: Path) -> list[str]:
    """Return the numbers of all cases of the suite, in its order."""
    return run([str(python), "-E", "-W", "ignore", "-c", LIST_CASES]).split()


def fuzz(
    python: Path, url: str, cases: Sequence[str], folder: Path, *, clients: int, timeout: float
) -> list[Result]:
    """Run cases against the server at ``url`` with ``clients`` processes at the same time.

    Neighbouring cases take about the same time, so they go to different clients. Each client has a
    folder for its reports and logs. Raises :exc:`Failed` after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    shares = [cases[first::clients] for first in range(min(clients, len(cases)))]
    folders = [folder / f"client-{number}" for number in range(1, len(shares) + 1)]
    with ExitStack() as stack:
        started = []
        for share, own in zip(shares, folders, strict=True):
            command = client_command(python, url, share, own)
            started.append(stack.enter_context(running(command, own / "log.txt", folder=own)))
        for process, own in zip(started, folders, strict=True):
            wait(process, deadline - time.monotonic(), own / "log.txt")
    return [result for own in folders for result in read_results(own)]


def client_command(python: Path, url: str, cases: Sequence[str], folder: Path) -> list[str | Path]:
    """Make the folder of a client with its specification; return the command that runs it."""
    folder.mkdir()
    specification = {
        "outdir": str(folder),
        "servers": [{"agent": AGENT, "url": url}],
        "cases": list(cases),
        "exclude-cases": [],
    }
    path = folder / "fuzzingclient.json"
    path.write_text(json.dumps(specification, indent=1), encoding="utf-8")
    # -u: its log says where it is.
    suite = ("-E", "-u", "-m", "autobahntestsuite.wstest")
    return [python, *suite, "--mode", "fuzzingclient", "--spec", path]


def wait(process: subprocess.Popen[bytes], timeout: float, log: Path) -> None:
    """Wait for the end of a client; raise :exc:`Failed` when it is late or fails."""
    try:
        status = process.wait(max(timeout, 0))
    except subprocess.TimeoutExpired:
        raise Failed(f"the suite did not end in time; it has printed\n{tail(log)}") from None
    if status:
        raise Failed(f"the suite ended with {status}; it has printed\n{tail(log)}")


def read_results(folder: Path) -> Iterator[Result]:
    """Yield what a client reports, in its own order; nothing when it never reached the server."""
    index = folder / "index.json"
    if not index.exists():
        raise Failed(f"the suite wrote no report; it has printed\n{tail(folder / 'log.txt')}")
    for case, entry in read_json(index).get(AGENT, {}).items():
        report = read_json(folder / entry["reportfile"])
        yield Result(
            case=case,
            behavior=entry["behavior"],
            behavior_close=entry["behaviorClose"],
            close_code=entry["remoteCloseCode"],
            result=report["result"],
            result_close=report["resultClose"],
        )


def read_json(path: Path) -> Any:
    """Return what a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))
