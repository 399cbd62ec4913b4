"""The state of progress bars: one contract, in memory and in the cache."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from c10kws.events import Socket
from c10kws.events.progress.store import CacheStore, MemoryStore, ProgressState, ProgressStore
from tests.support.events import Connect, MakeBar
from tests.support.shell import SOURCES

PATH = "/events/module/progress_bar/jobs/"

pytestmark = pytest.mark.usefixtures("empty_cache")


@pytest.fixture(params=["memory", "cache"])
def store(request: pytest.FixtureRequest) -> ProgressStore:
    """A store of each kind."""
    return MemoryStore(60) if request.param == "memory" else CacheStore("default", "bar", 60)


def test_a_new_state_is_empty_and_a_written_one_is_read(store: ProgressStore) -> None:
    assert store.read() == ProgressState(0, None, None)
    store.write(ProgressState(3, "row 3", 9))
    assert store.read() == ProgressState(3, "row 3", 9)


def test_a_step_counts_or_changes_only_the_label(store: ProgressStore) -> None:
    first = store.step(store.read(), "one", counts=True)
    assert first == store.read() == ProgressState(1, "one", None)
    assert store.step(first, "label", counts=False) == ProgressState(1, "label", None)
    assert store.step(store.read(), None, counts=True) == ProgressState(2, None, None)


def test_a_job_is_acquired_once_until_it_is_released(store: ProgressStore) -> None:
    assert store.acquire()
    assert not store.acquire()
    store.release()
    assert store.acquire()


def test_two_stores_of_one_name_share_their_state() -> None:
    one, two, other = (CacheStore("default", name, None) for name in ("a", "a", "b"))
    one.step(one.read(), "x", counts=True)
    assert two.read() == ProgressState(1, "x", None)
    assert other.read() == ProgressState()


def test_a_job_without_ticks_is_forgotten_after_its_timeout(make_bar: MakeBar) -> None:
    bar = make_bar("/jobs/<int:job>", timeout=0.05)
    assert bar(job=7).start()
    bar(job=7).tick("last")
    threading.Event().wait(0.1)
    assert (bar(job=7).value, bar(job=7).start()) == (0, True)


def test_a_callback_on_the_loop_may_not_use_the_cache(make_bar: MakeBar, connect: Connect) -> None:
    bar = make_bar("/jobs/<int:job>")

    @bar.on
    async def tick(socket: Socket) -> None:
        bar(job=socket.kwargs["job"]).tick()

    with connect(PATH + "7") as client:
        client.expect("init")
        assert client.ask("tick")["code"] == "internal"


def test_a_cache_that_does_not_store_values_raises(make_bar: MakeBar, settings: Any) -> None:
    dummy = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    settings.CACHES = settings.CACHES | {"nothing": dummy}
    bar = make_bar("/jobs/<int:job>", cache="nothing")
    with pytest.raises(RuntimeError, match="cache 'nothing' does not store values"):
        bar(job=7).tick()


RESTARTED = """
import sys
import django
from django.conf import settings
settings.configure(
    CACHES={"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                        "LOCATION": sys.argv[1]}},
    INSTALLED_APPS=["c10kws"], C10KWS={"EMIT_WITHOUT_SERVER": "drop"}, USE_TZ=True,
)
django.setup()
from c10kws.events import ProgressBar
bar = ProgressBar("/jobs/<int:job>")
print(bar(job=7).start(max=9))
bar(job=7).tick("a step")
bar(job=7).tick("a step")
print(bar(job=7).value, bar(job=7).max)
"""


def test_the_value_survives_a_restart(tmp_path: Path) -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", RESTARTED, str(tmp_path)],
            env=os.environ | {"PYTHONPATH": SOURCES, "DJANGO_SETTINGS_MODULE": ""},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout.split()
        for _ in range(2)
    ]
    assert said == [["True", "2", "9"], ["False", "4", "9"]]
