"""The pool: bounded, urgent first, on demand, and it holds no exit."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from c10kws_tornado import Pool, PoolFull, pool

from .support import PATIENCE


@pytest.fixture
def make_pool() -> Iterator[Callable[..., Pool]]:
    pools: list[Pool] = []

    def make(*args: Any, **options: Any) -> Pool:
        pools.append(Pool(*args, **options))
        return pools[-1]

    yield make
    for each in pools:
        each.shutdown(wait=True)


MakePool = Callable[..., Pool]


class Blocked:
    """A pool's threads, all held at an event."""

    def __init__(self, blocked: Pool) -> None:
        self.release = threading.Event()
        running = threading.Semaphore(0)

        def wait() -> None:
            running.release()
            assert self.release.wait(PATIENCE)

        self.jobs = [blocked.submit(wait) for _ in range(blocked.size)]
        for _ in self.jobs:
            assert running.acquire(timeout=PATIENCE)


def test_results_and_exceptions(make_pool: MakePool) -> None:
    pool_ = make_pool(2)
    assert pool_.submit(int, "11", base=2).result(PATIENCE) == 3
    with pytest.raises(ValueError, match="invalid literal"):
        pool_.submit(int, "x").result(PATIENCE)
    assert pool_.submit(sys.exit, 3).exception(PATIENCE) is not None
    assert pool_.submit(int, "4").result(PATIENCE) == 4


def test_jobs_run_side_by_side(make_pool: MakePool) -> None:
    barrier = threading.Barrier(4)
    pool_ = make_pool(4)
    for job in [pool_.submit(barrier.wait, PATIENCE) for _ in range(4)]:
        job.result(PATIENCE)


def test_a_full_queue_refuses(make_pool: MakePool) -> None:
    pool_ = make_pool(2, queue_size=3, name="small")
    blocked = Blocked(pool_)
    waiting = [pool_.submit(int) for _ in range(3)]
    assert (pool_.busy, pool_.queued) == (2, 3)
    with pytest.raises(PoolFull, match="the pool 'small' has 3 jobs waiting"):
        pool_.submit(int)
    assert pool_.refused == 1
    urgent = pool_.urgent(int)  # is never refused
    blocked.release.set()
    assert [job.result(PATIENCE) for job in [*waiting, urgent]] == [0, 0, 0, 0]
    pool_.shutdown(wait=True)
    assert (pool_.busy, pool_.queued) == (0, 0)


def test_urgent_jobs_come_first(make_pool: MakePool) -> None:
    pool_ = make_pool(1)
    blocked = Blocked(pool_)
    order: list[str] = []
    jobs = [pool_.submit(order.append, "a"), pool_.submit(order.append, "b")]
    jobs += [pool_.urgent(order.append, "u"), pool_.urgent(order.append, "v")]
    blocked.release.set()
    for job in jobs:
        job.result(PATIENCE)
    assert order == ["u", "v", "a", "b"]


def test_threads_start_when_they_are_needed(make_pool: MakePool) -> None:
    pool_ = make_pool(16, name="lazy")
    assert threads_of("lazy") == 0
    for _ in range(20):
        pool_.submit(int).result(PATIENCE)
        threading.Event().wait(0.01)  # the thread is not free the moment its result is there
    assert 1 <= threads_of("lazy") < 16


def threads_of(name: str) -> int:
    return sum(thread.name.startswith(f"{name}-") for thread in threading.enumerate())


def test_never_more_threads_than_its_size(make_pool: MakePool) -> None:
    pool_ = make_pool(3, name="three")
    for job in [pool_.submit(threads_of, "three") for _ in range(1000)]:
        assert job.result(PATIENCE) <= 3


def test_a_waiting_job_may_be_cancelled(make_pool: MakePool) -> None:
    pool_ = make_pool(1)
    blocked = Blocked(pool_)
    waiting, last = pool_.submit(int), pool_.submit(int)
    assert waiting.cancel()
    blocked.release.set()
    assert last.result(PATIENCE) == 0
    assert waiting.cancelled()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "IDLE_AFTER", 0.01)


@pytest.mark.usefixtures("hurried")
def test_on_idle_is_asked_until_it_is_done(make_pool: MakePool) -> None:
    asked: list[str] = []
    done = threading.Event()

    def on_idle() -> bool:
        asked.append(threading.current_thread().name)
        if len(asked) == 3:
            done.set()
        return len(asked) >= 3

    pool_ = make_pool(1, name="idle", on_idle=on_idle)
    pool_.submit(int).result(PATIENCE)
    assert done.wait(PATIENCE)
    assert threading.Event().wait(0.1) is False  # time for a fourth that must not come
    assert asked == ["idle-1"] * 3
    done.clear()
    asked.clear()
    pool_.submit(int).result(PATIENCE)  # after a job it is asked again
    assert done.wait(PATIENCE)


@pytest.mark.usefixtures("hurried")
def test_on_idle_that_fails_costs_no_thread(
    make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    failed = threading.Event()

    def on_idle() -> bool:
        failed.set()
        raise LookupError("idle")

    pool_ = make_pool(1, on_idle=on_idle)
    pool_.submit(int).result(PATIENCE)
    assert failed.wait(PATIENCE)
    assert pool_.submit(int, "5").result(PATIENCE) == 5
    pool_.shutdown(wait=True)
    assert "LookupError: idle" in caplog.text


def test_on_idle_runs_at_the_end(make_pool: MakePool) -> None:
    asked = []
    pool_ = make_pool(1, on_idle=lambda: bool(asked.append(1)) or True)
    pool_.submit(int).result(PATIENCE)
    pool_.shutdown(wait=True)
    assert asked == [1]


def test_shutdown_finishes_what_waits(make_pool: MakePool) -> None:
    pool_ = make_pool(1)
    blocked = Blocked(pool_)
    waiting = pool_.submit(int)
    pool_.shutdown()
    with pytest.raises(PoolFull, match="is shut down"):
        pool_.submit(int)
    blocked.release.set()
    assert waiting.result(PATIENCE) == 0


def test_shutdown_may_cancel_what_waits(make_pool: MakePool) -> None:
    pool_ = make_pool(1)
    blocked = Blocked(pool_)
    waiting, urgent = pool_.submit(int), pool_.urgent(int)
    pool_.shutdown(cancel_futures=True)
    blocked.release.set()
    assert waiting.cancelled()
    assert urgent.result(PATIENCE) == 0  # clean-up is never cancelled


def test_a_sibling_has_threads_of_its_own(make_pool: MakePool) -> None:
    pool_ = make_pool(2)
    sibling = pool_.sibling("sibling", queue_size=5)
    assert (sibling.size, sibling.queue_size) == (2, 5)
    blocked = Blocked(pool_)
    assert sibling.submit(int, "7").result(PATIENCE) == 7
    blocked.release.set()
    pool_.shutdown(wait=True)
    with pytest.raises(PoolFull):
        sibling.submit(int)


def test_it_is_an_executor_of_asyncio(make_pool: MakePool) -> None:
    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(pool_, int, str(i)) for i in range(50)))

    pool_ = make_pool(4)
    assert asyncio.run(main()) == list(range(50))


@pytest.mark.parametrize("size", [0, -1])
def test_a_pool_has_a_thread(size: int) -> None:
    with pytest.raises(ValueError, match="at least 1 thread"):
        Pool(size)


def test_no_thread_holds_the_exit() -> None:
    """A job that never ends, and the process ends nevertheless."""
    program = (
        "import threading, c10kws_tornado\n"
        "pool = c10kws_tornado.Pool(2)\n"
        "began = threading.Event()\n"
        "pool.submit(lambda: (began.set(), threading.Event().wait()))\n"
        "pool.sibling('other', queue_size=1).submit(threading.Event().wait)\n"
        "assert began.wait(60)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE)
