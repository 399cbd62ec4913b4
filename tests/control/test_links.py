"""Requests to running processes over Unix sockets."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from c10kws.control import asking
from c10kws.control.asking import Answers, ask_all
from c10kws.control.links import name_of_socket, receive, send
from c10kws.control.process import name_of, this_process
from c10kws.control.replies import VERSION
from c10kws.runtime_directory import UnsafeDirectory, directory_path, make_directory
from tests.support.accounts import cookies, logged_in
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Unix sockets")

LIST: dict[str, Any] = {"operation": "list"}


def own_socket() -> Path:
    """Return the path of the socket of this process."""
    return make_directory() / name_of_socket(this_process())


def rows_of(**asked: Any) -> list[dict[str, Any]]:
    answers = ask_all({**LIST, "filter": asked})
    assert answers.problems == []
    return [row for each in answers.results for row in each["rows"]]


def test_connections_are_listed_by_another_process(live: LiveServer, listening: Path) -> None:
    client = logged_in("ann")
    with live.connect("/ws/echo/", additional_headers=cookies(client)) as ws:
        for _ in range(2):
            ws.send("a")
            assert ws.recv(WAIT) == "a"
        assert [path.name for path in make_directory().iterdir()] == [own_socket().name]
        (row,) = rows_of()
        assert (row["path"], row["endpoint"], row["address"]) == (
            *("/ws/echo/", "ws/echo/"),
            "127.0.0.1",
        )
        assert (row["received"], row["sent"], row["dropped"], row["queued"]) == (2, 2, 0, 0)
        assert row["user"] == client.session["_auth_user_id"]
        assert 0 < row["age"] < WAIT
        assert row["rooms"] == [] and row["latency"] is None
        assert row["process"] == f"{socket.gethostname()}:{os.getpid()}"
    eventually(lambda: not rows_of())
    live.stop()
    assert not directory_path().exists()


def test_filters(live: LiveServer, listening: Path) -> None:
    client = logged_in("ann")
    key = client.session["_auth_user_id"]
    with (
        live.connect("/ws/echo/", additional_headers=cookies(client)),
        live.connect("/ws/collect/"),
        live.connect("/ws/echo/"),
    ):
        eventually(lambda: len(rows_of()) == 3)
        oldest, second, third = rows_of()
        assert [row["id"] for row in rows_of(users=[key])] == [oldest["id"]]
        assert len(rows_of(endpoint="ws/echo/")) == 2
        assert [row["id"] for row in rows_of(search="COLLECT")] == [second["id"]]
        assert len(rows_of(search="127.0")) == 3
        assert [row["id"] for row in rows_of(ids=[third["id"]], search="echo")] == [third["id"]]
        assert rows_of(ids=["1-2-3"]) == []
        (answer,) = ask_all({**LIST, "limit": 1}).results
        assert (len(answer["rows"]), answer["total"]) == (1, 3)


def test_connections_are_closed(live: LiveServer, listening: Path) -> None:
    with live.connect("/ws/echo/") as first, live.connect("/ws/echo/") as second:
        eventually(lambda: len(rows_of()) == 2)
        request = {"operation": "close", "code": 4403, "reason": "enough"}
        request["filter"] = {"ids": [rows_of()[0]["id"]]}
        assert ask_all(request).results == [{"closed": 1}]
        assert closed_with(first) == (4403, "enough")
        second.send("still here")
        assert second.recv(WAIT) == "still here"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"operation": "dance"}, "Unknown operation: 'dance'"),
        ({"operation": "close", "filter": {}, "code": 1000}, "a filter is missing"),
        ({"operation": "close", "filter": {"ids": []}, "code": 77}, "Invalid request"),
        ({"operation": "list", "filter": {"colour": "red"}}, "unknown filter colour"),
    ],
)
def test_invalid_requests(
    live: LiveServer, listening: Path, request_: dict[str, Any], error: str
) -> None:
    with live.connect("/ws/echo/"):
        eventually(lambda: list(make_directory().iterdir()))
        answers = ask_all(request_)
    assert answers.results == []
    assert error in answers.problems[0]


def test_another_release_is_refused(live: LiveServer, listening: Path) -> None:
    with live.connect("/ws/echo/"), socket.socket(socket.AF_UNIX) as link:
        link.settimeout(WAIT)
        eventually(lambda: list(make_directory().iterdir()))
        link.connect(str(own_socket()))
        send(link, {"version": 99, "operation": "list"})
        assert "another release" in receive(link)["error"]


def test_a_line_that_is_not_json_does_not_end_the_thread(live: LiveServer, listening: Path) -> None:
    with live.connect("/ws/echo/"):
        eventually(lambda: list(make_directory().iterdir()))
        lines = [b"nonsense\n", b"", b"[" * 100_000 + b"\n", b"[]\n"]
        lists = '"operation":"list"'
        for request in ('"operation":[]', f'{lists},"filter":[1]', f'{lists},"limit":1e400'):
            lines.append(f'{{"version":{VERSION},{request}}}\n'.encode())
        for line in lines:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(WAIT)
                link.connect(str(own_socket()))
                link.sendall(line)
                link.shutdown(socket.SHUT_WR)
                reply = link.makefile("rb").read()
                assert "error" in json.loads(reply)
        assert len(rows_of()) == 1


def test_a_blocked_loop_still_answers(live: LiveServer, listening: Path) -> None:
    with live.connect("/ws/echo/"):
        eventually(lambda: len(rows_of()) == 1)
        blocked, release = threading.Event(), threading.Event()

        def block() -> None:
            blocked.set()
            release.wait(WAIT)

        live.loop.call_soon_threadsafe(block)
        assert blocked.wait(WAIT)
        try:
            assert len(rows_of()) == 1
        finally:
            release.set()


def test_a_process_that_does_not_answer_is_named(
    runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "DEADLINE", 0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(make_directory() / "4711-a1b2c3d4.sock"))
        silent.listen()
        answers = ask_all(LIST)
    assert answers.results == []
    assert answers.problems[0].startswith(f"Process {name_of(4711)} did not answer: TimeoutError")


def test_the_socket_of_a_killed_process_is_removed(runtime_dir: Path) -> None:
    path = make_directory() / "4711-a1b2c3d4.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    assert ask_all(LIST) == Answers()
    assert not path.exists()


def test_a_process_without_a_socket_answers_itself(live: LiveServer, runtime_dir: Path) -> None:
    with live.connect("/ws/echo/"):
        eventually(lambda: len(rows_of()) == 1)
    assert not directory_path().exists()


@pytest.mark.parametrize("fault", ["mode", "link", "file"])
def test_an_unsafe_directory_is_refused(
    live: LiveServer,
    listening: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    path = directory_path()
    if fault == "mode":
        path.mkdir()
        path.chmod(0o755)
    elif fault == "link":
        path.symlink_to(tmp_path)
    else:
        path.touch()
    with pytest.raises(UnsafeDirectory, match="mode 700"):
        ask_all(LIST)
    with live.connect("/ws/echo/") as ws:
        ws.send("a")
        assert ws.recv(WAIT) == "a"
    assert "manage.py ws and the admin cannot see this process" in caplog.text
    assert not list(tmp_path.iterdir())


def test_the_directory_is_private(runtime_dir: Path) -> None:
    assert make_directory().stat().st_mode & 0o777 == 0o700
    assert make_directory().parent == runtime_dir
    assert time.time() - make_directory().stat().st_mtime < WAIT
