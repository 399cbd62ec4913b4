"""Names of jobs, tasks and places in the code, as log lines have them."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from typing import Any

import pytest

from c10kws_tornado.diagnostics import MAX_NAMES, join, name_job, name_jobs, name_task, place_of
from c10kws_tornado.pool import Pool, RunningJob
from tests.support.waiting import WAIT


class Request:
    """A job with a request line, like an exchange."""

    request_line = "GET / HTTP/1.1"

    def run(self) -> None:
        pass


def work() -> None:
    pass


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, ""), (1, "0"), (MAX_NAMES, "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"), (MAX_NAMES + 2, "2 others")],
)
def test_names_in_one_line(count: int, expected: str) -> None:
    joined = join(str(number) for number in range(count))
    assert joined == expected if count <= MAX_NAMES else joined.endswith(f", 9 and {expected}")


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (Request().run, "GET / HTTP/1.1"),
        (work, "work"),
        (functools.partial(work), "work"),
        (functools.partial(contextvars.Context().run, work), "work"),
        (functools.partial(functools.partial(contextvars.Context().run, work), 1), "work"),
    ],
)
def test_the_name_of_a_job(function: Any, name: str) -> None:
    assert name_job(RunningJob(function, 0, 0.0)) == name


def test_jobs_of_a_pool_and_its_siblings() -> None:
    release, pool = threading.Event(), Pool(1)
    running = threading.Barrier(3)

    def hang() -> None:
        running.wait(WAIT)
        assert release.wait(WAIT)

    sibling = pool.sibling("sibling", queue_size=1)
    jobs = [each.submit(hang) for each in (pool, sibling)]
    running.wait(WAIT)
    names = name_jobs(pool)
    release.set()
    for job in jobs:
        job.result(WAIT)
    pool.shutdown(wait=True)
    assert len(names) == 2
    assert all("hang (" in name and "test_diagnostics.py:" in name for name in names)


def test_a_task_has_its_name_and_its_coroutines() -> None:
    async def handler() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.set_name("/ws/chat/")
        return name_task(task)

    assert asyncio.run(handler()).startswith("/ws/chat/ (test_a_task_has_its_name")


def test_an_unknown_thread_has_no_place() -> None:
    assert place_of(-1) == ""
