"""The state of progress bars: one contract, in memory and in the cache."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from c10kws.events.progress.store import CacheStore, MemoryStore, ProgressState, ProgressStore


@pytest.fixture(params=["memory", "cache"])
def store(request: pytest.FixtureRequest) -> Iterator[ProgressStore]:
    cache.clear()
    yield MemoryStore(60) if request.param == "memory" else CacheStore("default", "bar", 60)
    cache.clear()


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
    cache.clear()
    one, two, other = (CacheStore("default", name, None) for name in ("a", "a", "b"))
    one.step(one.read(), "x", counts=True)
    assert two.read() == ProgressState(1, "x", None)
    assert other.read() == ProgressState()
