"""The pool: bounded, urgent jobs first, threads on demand, and no delay of the exit."""

from __future__ import annotations

import asyncio
import gc
import re
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from c10kws_tornado import Pool, PoolFull, pool
from tests.support.waiting import WAIT, eventually


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
    """Holds all threads of a pool at an event."""

    def __init__(self, blocked: Pool) -> None:
        self.release = threading.Event()
        running = threading.Semaphore(0)

        def wait() -> None:
            running.release()
            assert self.release.wait(WAIT)

        self.jobs = [blocked.submit(wait) for _ in range(blocked.size)]
        for _ in self.jobs:
            assert running.acquire(timeout=WAIT)


def test_results_and_exceptions(make_pool: MakePool) -> None:
    pool_ = make_pool(2)
    assert pool_.submit(int, "11", base=2).result(WAIT) == 3
    with pytest.raises(ValueError, match="invalid literal"):
        pool_.submit(int, "x").result(WAIT)
    assert pool_.submit(sys.exit, 3).exception(WAIT) is not None
    assert pool_.submit(int, "4").result(WAIT) == 4


def test_jobs_run_side_by_side(make_pool: MakePool) -> None:
    barrier = threading.Barrier(4)
    pool_ = make_pool(4)
    for job in [pool_.submit(barrier.wait, WAIT) for _ in range(4)]:
        job.result(WAIT)


def test_a_full_queue_refuses(make_pool: MakePool) -> None:
    pool_ = make_pool(2, queue_size=3, name="small")
    blocked = Blocked(pool_)
    waiting = [pool_.submit(int) for _ in range(3)]
    assert (pool_.busy, pool_.queued) == (2, 3)
    with pytest.raises(PoolFull, match=r"^The pool 'small' has 3 queued jobs\.$"):
        pool_.submit(int)
    assert pool_.refused == 1
    urgent = pool_.submit_urgent(int)  # is never refused
    blocked.release.set()
    assert [job.result(WAIT) for job in [*waiting, urgent]] == [0, 0, 0, 0]
    pool_.shutdown(wait=True)
    assert (pool_.busy, pool_.queued) == (0, 0)


def test_urgent_jobs_come_first(make_pool: MakePool) -> None:
    pool_ = make_pool(1)
    blocked = Blocked(pool_)
    order: list[str] = []
    jobs = [pool_.submit(order.append, "a"), pool_.submit(order.append, "b")]
    jobs += [pool_.submit_urgent(order.append, "u"), pool_.submit_urgent(order.append, "v")]
    blocked.release.set()
    for job in jobs:
        job.result(WAIT)
    assert order == ["u", "v", "a", "b"]


def test_threads_start_when_they_are_needed(make_pool: MakePool) -> None:
    pool_ = make_pool(16, name="lazy")
    assert threads_of("lazy") == 0
    for _ in range(20):
        pool_.submit(int).result(WAIT)
        threading.Event().wait(0.01)  # a thread is not free at the moment of its result
    assert 1 <= threads_of("lazy") < 16


def threads_of(name: str) -> int:
    """Count the threads of the pools with this name."""
    number = re.compile(re.escape(name) + r"-\d+")
    return sum(bool(number.fullmatch(thread.name)) for thread in threading.enumerate())


def test_never_more_threads_than_its_size(make_pool: MakePool) -> None:
    pool_ = make_pool(3, name="three")
    for job in [pool_.submit(threads_of, "three") for _ in range(1000)]:
        assert job.result(WAIT) <= 3


def test_a_waiting_job_may_be_cancelled(make_pool: MakePool) -> None:
    pool_ = make_pool(1)
    blocked = Blocked(pool_)
    waiting, last = pool_.submit(int), pool_.submit(int)
    assert waiting.cancel()
    blocked.release.set()
    assert last.result(WAIT) == 0
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
    pool_.submit(int).result(WAIT)
    assert done.wait(WAIT)
    assert threading.Event().wait(0.1) is False  # time for a fourth that must not come
    assert asked == ["idle-1"] * 3
    done.clear()
    asked.clear()
    pool_.submit(int).result(WAIT)  # after a job it is asked again
    assert done.wait(WAIT)


@pytest.mark.usefixtures("hurried")
def test_on_idle_that_fails_costs_no_thread(
    make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    failed = threading.Event()

    def on_idle() -> bool:
        failed.set()
        raise LookupError("idle")

    pool_ = make_pool(1, on_idle=on_idle)
    pool_.submit(int).result(WAIT)
    assert failed.wait(WAIT)
    assert pool_.submit(int, "5").result(WAIT) == 5
    pool_.shutdown(wait=True)
    assert "LookupError: idle" in caplog.text


def test_on_exit_runs_in_each_thread_after_its_last_job(make_pool: MakePool) -> None:
    events: list[str] = []
    pool_ = make_pool(
        1, name="exit", on_exit=lambda: events.append(threading.current_thread().name)
    )
    for _ in range(3):
        pool_.post(events.append, "job")
    pool_.shutdown(wait=True)
    assert events == ["job", "job", "job", "exit-1"]


def test_on_exit_that_raises_is_logged(
    make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    def on_exit() -> None:
        raise LookupError("exit")

    pool_ = make_pool(1).sibling("second", queue_size=1, on_exit=on_exit)
    pool_.submit(int).result(WAIT)
    pool_.shutdown(wait=True)
    assert "LookupError: exit" in caplog.text


def test_shutdown_finishes_what_waits(make_pool: MakePool) -> None:
    pool_ = make_pool(1)
    blocked = Blocked(pool_)
    waiting = pool_.submit(int)
    pool_.shutdown()
    with pytest.raises(PoolFull, match="is shut down"):
        pool_.submit(int)
    blocked.release.set()
    assert waiting.result(WAIT) == 0


def test_shutdown_may_cancel_what_waits(make_pool: MakePool) -> None:
    pool_ = make_pool(1)
    blocked = Blocked(pool_)
    waiting, urgent = pool_.submit(int), pool_.submit_urgent(int)
    pool_.shutdown(cancel_futures=True)
    blocked.release.set()
    assert waiting.cancelled()
    assert urgent.result(WAIT) == 0  # clean-up is never cancelled


def test_a_sibling_has_threads_of_its_own(make_pool: MakePool) -> None:
    pool_ = make_pool(2)
    sibling = pool_.sibling("sibling", queue_size=5)
    assert (sibling.size, sibling.queue_size) == (2, 5)
    blocked = Blocked(pool_)
    assert sibling.submit(int, "7").result(WAIT) == 7
    blocked.release.set()
    pool_.shutdown(wait=True)
    with pytest.raises(PoolFull):
        sibling.submit(int)


def test_a_sibling_answers_for_itself(make_pool: MakePool) -> None:
    """Its queue, its counters and its threads' names are its own."""
    pool_ = make_pool(1, queue_size=1)
    sibling = pool_.sibling("other", queue_size=2)
    blocked = Blocked(sibling)
    waiting = [sibling.submit(threading.current_thread) for _ in range(2)]
    with pytest.raises(PoolFull, match=r"^The pool 'other' has 2 queued jobs\.$"):
        sibling.post(int)
    assert (sibling.busy, sibling.queued, sibling.refused) == (1, 2, 1)
    assert (pool_.busy, pool_.queued, pool_.refused) == (0, 0, 0)
    blocked.release.set()
    assert {job.result(WAIT).name for job in waiting} == {"other-1"}


@pytest.mark.usefixtures("hurried")
def test_a_sibling_has_an_on_idle_of_its_own(make_pool: MakePool) -> None:
    asked: list[str] = []
    done = threading.Event()

    def on_idle() -> bool:
        asked.append(threading.current_thread().name)
        done.set()
        return True

    pool_ = make_pool(1, name="first")
    sibling = pool_.sibling("second", queue_size=1, on_idle=on_idle)
    pool_.submit(int).result(WAIT)
    sibling.submit(int).result(WAIT)
    assert done.wait(WAIT)
    pool_.shutdown(wait=True)
    assert set(asked) == {"second-1"}


@pytest.mark.parametrize("cancel", [False, True])
def test_shutdown_means_the_siblings_too(make_pool: MakePool, cancel: bool) -> None:
    pool_ = make_pool(1)
    siblings = [pool_.sibling(name, queue_size=5) for name in ("one", "two")]
    blocked = [Blocked(sibling) for sibling in siblings]
    done: list[str] = []
    for sibling in siblings:
        sibling.post(done.append, sibling.name)
    waiting = [sibling.submit(int) for sibling in siblings]
    pool_.shutdown(cancel_futures=cancel)
    for sibling in siblings:
        with pytest.raises(PoolFull, match=f"The pool '{sibling.name}' is shut down"):
            sibling.post(int)
    for each in blocked:
        each.release.set()
    pool_.shutdown(wait=True)
    assert [job.cancelled() for job in waiting] == [cancel, cancel]
    assert sorted(done) == ([] if cancel else ["one", "two"])
    assert threads_of("one") == threads_of("two") == 0


# Jobs without a future


def test_posted_jobs_run_in_their_order_among_the_others(make_pool: MakePool) -> None:
    pool_ = make_pool(1)
    blocked = Blocked(pool_)
    order: list[str] = []
    assert pool_.post(order.append, "a") is None  # type: ignore[func-returns-value]
    pool_.submit(order.append, "b")
    pool_.post(order.append, "c")
    pool_.submit_urgent(order.append, "u")
    last = pool_.submit(order.append, "d")
    blocked.release.set()
    last.result(WAIT)
    assert order == ["u", "a", "b", "c", "d"]


@pytest.mark.parametrize("error", [LookupError("as told"), SystemExit(3)])
def test_a_posted_job_that_raises_is_logged_and_costs_no_thread(
    make_pool: MakePool, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    def fail(raised: BaseException) -> None:
        raise raised

    pool_ = make_pool(1)
    thread = pool_.submit(threading.current_thread).result(WAIT)
    pool_.post(fail, error)
    assert pool_.submit(threading.current_thread).result(WAIT) is thread
    pool_.shutdown(wait=True)
    assert pool_.busy == 0
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("c10kws_tornado", "ERROR")
    assert "fail" in record.getMessage()
    assert record.exc_info is not None and record.exc_info[1] is error


def test_a_full_queue_refuses_what_is_posted(make_pool: MakePool) -> None:
    pool_ = make_pool(1, queue_size=2, name="small")
    blocked = Blocked(pool_)
    done: list[int] = []
    pool_.post(done.append, 1)
    pool_.post(done.append, 2)
    with pytest.raises(PoolFull, match=r"^The pool 'small' has 2 queued jobs\.$"):
        pool_.post(done.append, 3)
    assert (pool_.queued, pool_.refused) == (2, 1)
    blocked.release.set()
    pool_.shutdown(wait=True)
    assert done == [1, 2]


def test_nothing_is_posted_after_shutdown_and_what_waits_is_done(make_pool: MakePool) -> None:
    pool_ = make_pool(1, name="ended")
    blocked = Blocked(pool_)
    done: list[int] = []
    pool_.post(done.append, 1)
    pool_.shutdown()
    with pytest.raises(PoolFull, match="The pool 'ended' is shut down"):
        pool_.post(done.append, 2)
    assert pool_.refused == 1
    blocked.release.set()
    pool_.shutdown(wait=True)
    assert done == [1]


def test_shutdown_may_leave_out_what_is_posted(make_pool: MakePool) -> None:
    pool_ = make_pool(1)
    blocked = Blocked(pool_)
    done: list[int] = []
    pool_.post(done.append, 1)
    pool_.shutdown(cancel_futures=True)
    blocked.release.set()
    pool_.shutdown(wait=True)
    assert done == []


def count_futures() -> int:
    return sum(issubclass(type(each), Future) for each in gc.get_objects())


def test_a_posted_job_has_no_future(make_pool: MakePool) -> None:
    pool_ = make_pool(1)
    gc.collect()
    before = count_futures()
    counts: list[int] = []
    counted = threading.Event()

    def count() -> None:
        counts.append(count_futures())
        counted.set()

    pool_.post(count)
    assert counted.wait(WAIT)
    pool_.submit(count).result(WAIT)
    assert counts == [before, before + 1]


def test_a_posted_job_leaves_nothing_behind_in_an_idle_thread(make_pool: MakePool) -> None:
    class Argument:
        def call(self) -> None:
            pass

    pool_ = make_pool(1, name="posted")
    freed = threading.Event()
    argument = Argument()
    weakref.finalize(argument, freed.set)
    pool_.post(argument.call)
    del argument
    assert freed.wait(WAIT)
    assert threads_of(pool_.name) == 1


def test_many_threads_post_at_once_and_every_job_runs(make_pool: MakePool) -> None:
    pool_ = make_pool(3, queue_size=10_000)
    done: list[int] = []

    def post(first: int) -> None:
        for number in range(first, first + 1000):
            pool_.post(done.append, number)

    threads = [threading.Thread(target=post, args=(1000 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    pool_.shutdown(wait=True)
    assert sorted(done) == list(range(8000))


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
    """The process ends although a job never does."""
    program = (
        "import threading, c10kws_tornado\n"
        "pool = c10kws_tornado.Pool(2)\n"
        "began = threading.Event()\n"
        "pool.submit(lambda: (began.set(), threading.Event().wait()))\n"
        "pool.sibling('other', queue_size=1).submit(threading.Event().wait)\n"
        "assert began.wait(60)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=WAIT)


def test_stop_iteration_reaches_who_awaits_it(make_pool: MakePool) -> None:
    pool_ = make_pool(1)

    async def wait() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.wait_for(loop.run_in_executor(pool_, next, iter([])), WAIT)

    with pytest.raises(RuntimeError, match=r"raised StopIteration\(\)"):
        asyncio.run(wait())


@pytest.fixture
def no_room_for_threads() -> Iterator[Callable[[], None]]:
    """Make thread starts fail, by a stack larger than the address space."""
    before = threading.stack_size()
    yield lambda: threading.stack_size(2**46) and None
    threading.stack_size(before)


@pytest.mark.skipif(sys.platform != "linux", reason="the address space of Linux")
def test_a_thread_that_cannot_start_does_not_count(
    make_pool: MakePool,
    no_room_for_threads: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    pool_ = make_pool(16, name="few")
    no_room_for_threads()
    for _ in range(3):
        with pytest.raises(PoolFull, match="cannot start a thread"):
            pool_.submit(int)
    assert (pool_.queued, pool_.refused) == (0, 3)
    cleaned_up = pool_.submit_urgent(int, "3")
    threading.stack_size(0)
    release = threading.Event()
    blocked = [pool_.submit(release.wait, WAIT)]
    assert cleaned_up.result(WAIT) == 3
    while pool_.queued or pool_.busy < threads_of("few"):
        blocked.append(pool_.submit(release.wait, WAIT))
        eventually(lambda: not pool_.queued)
    eventually(lambda: not pool_._waking)  # otherwise no thread is started
    no_room_for_threads()
    waiting = pool_.submit(int, "7")  # a thread that runs does it later
    release.set()
    assert all(job.result(WAIT) for job in blocked)
    assert waiting.result(WAIT) == 7
    threading.stack_size(0)
    assert len(caplog.records) == 2  # once each time that threads are short


def test_a_pool_counts_jobs_and_the_time_that_they_waited(make_pool: MakePool) -> None:
    pool_ = make_pool(1)
    blocked = Blocked(pool_)
    waiting = pool_.submit(int)
    time.sleep(0.05)
    blocked.release.set()
    waiting.result(WAIT)
    assert pool_.jobs == 2
    assert 0.05 <= pool_.waited < WAIT
