"""``c10kws.problems``, and the threads for reserved paths."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from c10kws_tornado import stallmonitor
from tests.support.applications import TEXT
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
THREADS = 16
HANG = "GET /hang HTTP/1.1\nHost: a\n\n"


class Pages:
    """/hang holds its thread until it is released; /slow-loop makes the loop slow until then."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/hang":
            assert self.release.wait(WAIT)
        elif environ["PATH_INFO"] == "/slow-loop":
            asyncio.run_coroutine_threadsafe(self.slow_down(), environ["c10kws.loop"])
        start_response("200 OK", [TEXT])
        return [json.dumps(environ["c10kws.problems"]()).encode()]

    async def slow_down(self) -> None:
        while not self.release.is_set():
            time.sleep(0.15)
            await asyncio.sleep(0)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    monkeypatch.setattr(stallmonitor, "PERIOD", 0.02)
    made = Pages()
    yield made
    made.release.set()


def problems(live: LiveServer, path: str = "/probe") -> dict[str, str]:
    with live.client() as client:
        found: dict[str, str] = json.loads(client.get(path).body)
    return found


def test_there_are_none(serve: Serve, pages: Pages) -> None:
    live = serve(pages)
    assert problems(live) == live.server.problems() == {}


def test_a_reserved_path_is_served_while_all_threads_are_busy(serve: Serve, pages: Pages) -> None:
    live = serve(
        pages, threads=THREADS, reserved_paths=["/probe", "/other"], busy_threads_warning=0.1
    )
    with ExitStack() as stack:
        for _ in range(THREADS + 1):
            stack.enter_context(live.client()).send(HANG)
        eventually(lambda: live.server.pool.queued)
        eventually(lambda: problems(live))
        (text,) = problems(live, "/probe?x").values()
        assert text.startswith("All 16 threads of the pool 'c10kws' have been busy for ")
        assert problems(live, "/other").keys() == {"threads"}
        pages.release.set()
        eventually(lambda: problems(live) == {})


def test_a_full_queue(serve: Serve, pages: Pages) -> None:
    off = {"busy_threads_warning": None, "blocked_loop_warning": None}
    live = serve(pages, threads=1, queue_size=1, reserved_paths=["/probe"], **off)
    with live.client() as running, live.client() as queued:
        running.send(HANG)
        eventually(lambda: live.server.pool.busy)
        queued.send(HANG)
        eventually(lambda: live.server.pool.queued)
        assert problems(live) == {"threads": "The queue of the pool 'c10kws' is full: 1 jobs."}
        pages.release.set()
        queued.read_response()
    assert problems(live) == {}


def test_a_slow_loop(serve: Serve, pages: Pages) -> None:
    live = serve(pages, blocked_loop_warning=0.05)
    problems(live, "/slow-loop")
    eventually(lambda: problems(live))
    assert problems(live)["loop"].startswith("The event loop responded after 0.")
    pages.release.set()
    eventually(lambda: problems(live) == {})


def test_a_stopping_server(serve: Serve, pages: Pages) -> None:
    live = serve(pages)
    with live.client() as client:
        client.send("POST /probe HTTP/1.1\nHost: a\nContent-Length: 2\n\nx")
        eventually(lambda: live.server.requests)
        live.begin_stop()
        client.send("x")
        found = json.loads(client.read_response().body)
        assert found == {"draining": "The server is shutting down."}
