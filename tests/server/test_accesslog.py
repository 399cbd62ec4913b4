"""The thread that writes the log lines of the loop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from c10kws_tornado.accesslog import MAX_QUEUED, AccessLog
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]


def page(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"page"]


def test_a_line_of_the_loop_needs_no_thread_of_the_pool(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """The only thread hangs, and a request is refused on the loop."""
    release = threading.Event()

    def hang(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        assert release.wait(WAIT)
        return page(environ, start_response)

    caplog.set_level(logging.INFO, "c10kws_tornado.access")
    live = serve(hang, threads=1)
    with live.client() as client, live.client() as refused:
        client.send("GET /hang HTTP/1.1\nHost: a\n\n")
        eventually(lambda: live.server.pool.busy == 1)
        refused.send("GET /no-host HTTP/1.1\n\n")
        assert refused.read_response().status == 400
        eventually(lambda: '"GET /no-host HTTP/1.1" 400' in caplog.text)
        release.set()
        client.read_response()


def test_lines_that_wait_are_bounded_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    log, release, written = AccessLog(), threading.Event(), threading.Semaphore(0)
    log.later(lambda: assert_set(release))
    eventually(lambda: log._writing)
    for _ in range(MAX_QUEUED + 5):
        log.later(lambda: written.release())
    release.set()
    eventually(lambda: not log.at_work)
    assert "Dropped 5 log lines" in caplog.text
    for _ in range(MAX_QUEUED):
        assert written.acquire(blocking=False)
    log.close()


def assert_set(event: threading.Event) -> None:
    assert event.wait(WAIT)


def test_a_handler_that_fails_loses_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log, written = AccessLog(), threading.Event()

    def fail() -> None:
        raise OSError("disk full")

    log.later(fail)
    log.later(written.set)
    assert written.wait(WAIT)
    log.close()
    assert "OSError: disk full" in capsys.readouterr().err


def test_lines_are_written_at_the_stop(serve: Serve) -> None:
    live, written = serve(page), []
    release = threading.Event()

    def write(number: int) -> None:
        release.wait(0.01)
        written.append(number)

    def leave() -> None:
        for number in range(5):
            live.server._resources.log.later(lambda: write(number))  # noqa: B023

    live.on_loop(leave)
    live.stop()
    assert len(written) == 5


def test_the_log_s_thread_ends() -> None:
    log, done = AccessLog(), threading.Event()
    log.later(done.set)
    assert done.wait(WAIT)
    thread = log._thread
    assert thread is not None
    log.close()
    thread.join(WAIT)
    assert not thread.is_alive()
