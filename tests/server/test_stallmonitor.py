"""Warnings while all threads are busy or the loop is blocked."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from c10kws_tornado import stallmonitor
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
TEXT = ("Content-Type", "text/plain")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stallmonitor, "PERIOD", 0.05)


class Pages:
    """/hang holds its thread until it is released; /block holds the event loop."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [TEXT])
        if environ["PATH_INFO"] == "/hang":
            self.hang()
        elif environ["PATH_INFO"] == "/block":
            asyncio.run_coroutine_threadsafe(self.block(), environ["c10kws.loop"])
        return [b"page"]

    def hang(self) -> None:
        assert self.release.wait(WAIT)

    async def block(self) -> None:
        assert self.release.wait(WAIT)


@pytest.fixture
def pages() -> Iterator[Pages]:
    made = Pages()
    yield made
    made.release.set()


def messages(caplog: pytest.LogCaptureFixture, text: str) -> list[str]:
    return [each.getMessage() for each in caplog.records if text in each.getMessage()]


def test_busy_threads_are_named(
    serve: Serve, pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve(pages, threads=2, busy_threads_warning=0.1)
    with live.client() as one, live.client() as two, live.client() as waiting:
        one.send("GET /hang HTTP/1.1\nHost: a\n\n")
        two.send("GET /hang?two HTTP/1.1\nHost: a\n\n")
        eventually(lambda: live.server.pool.busy == 2)
        waiting.send("GET / HTTP/1.1\nHost: a\n\n")
        eventually(lambda: bool(messages(caplog, "have been busy")))
        (warning,) = messages(caplog, "have been busy")
        assert warning.startswith("All 2 threads of the pool 'c10kws' have been busy for ")
        assert "GET /hang HTTP/1.1 (" in warning
        assert "GET /hang?two HTTP/1.1 (" in warning
        assert "test_stallmonitor.py:" in warning and " hang)" in warning
        pages.release.set()
        assert waiting.read_response().body == b"page"
    eventually(lambda: bool(messages(caplog, "is free again")))
    assert len(messages(caplog, "have been busy")) == 1  # not at each check


def test_threads_of_a_sibling_are_named(
    serve: Serve, pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve(pages, threads=1, busy_threads_warning=0.1)
    live.server.pool.sibling("handlers", queue_size=5).submit(pages.hang)
    eventually(lambda: bool(messages(caplog, "All 1 threads of the pool 'handlers'")))
    assert "Pages.hang (" in messages(caplog, "have been busy")[0]


def test_a_blocked_loop_is_named(
    serve: Serve, pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve(pages, blocked_loop_warning=0.1)
    with live.client() as client:
        client.send("GET /block HTTP/1.1\nHost: a\n\n")
        eventually(lambda: bool(messages(caplog, "loop has been blocked")))
        (warning,) = messages(caplog, "loop has been blocked")
        assert "(Pages.block), in " in warning
        assert "test_stallmonitor.py:" in warning
        pages.release.set()
        assert client.read_response().body == b"page"
    eventually(lambda: bool(messages(caplog, "The event loop runs again after")))


def test_nothing_is_said_while_all_is_well(
    serve: Serve, pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve(pages, threads=2)
    with live.client() as client:
        for _ in range(20):
            assert client.get().body == b"page"
            time.sleep(0.01)
    live.stop()
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


def test_the_watch_ends_with_the_server(serve: Serve, pages: Pages) -> None:
    live = serve(pages)
    watching = [each for each in threading.enumerate() if each.name == "c10kws-stall-monitor"]
    assert watching
    live.stop()
    for thread in watching:
        thread.join(WAIT)
        assert not thread.is_alive()


def test_none_switches_it_off(serve: Serve, pages: Pages) -> None:
    before = set(threading.enumerate())
    live = serve(pages, busy_threads_warning=None, blocked_loop_warning=None)
    assert "c10kws-stall-monitor" not in {each.name for each in set(threading.enumerate()) - before}
    live.stop()
