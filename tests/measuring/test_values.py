"""Values of several workers: sums, snapshots, and counters that do not fall."""

from __future__ import annotations

import json

import pytest

from c10kws.measuring.families import FAMILIES
from c10kws.measuring.values import Values

HISTOGRAM = "c10kws_callback_duration_seconds"


def values_of(**families: float) -> Values:
    values = Values()
    for name, value in families.items():
        values.add(f"c10kws_{name}", value)
    return values


def test_counters_and_gauges_are_added_and_the_largest_is_kept() -> None:
    one = values_of(bytes_sent=5, queued_bytes=7, gc_longest_pause_seconds=0.5)
    one.add("c10kws_connections", 2, "/a")
    one.add(HISTOGRAM, [1, 0, 0.5], "/a")
    other = values_of(bytes_sent=1, queued_bytes=1, gc_longest_pause_seconds=0.25)
    other.add("c10kws_connections", 3, "/a")
    other.add("c10kws_connections", 4, "/b")
    other.add(HISTOGRAM, [0, 2, 2.0], "/a")
    one.update(other)
    assert one.get("c10kws_bytes_sent") == 6
    assert one.get("c10kws_queued_bytes") == 8
    assert one.get("c10kws_gc_longest_pause_seconds") == 0.5
    assert one.get("c10kws_connections", "/a") == 5
    assert one.get("c10kws_connections", "/b") == 4
    assert one.get(HISTOGRAM, "/a") == [1, 2, 2.5]
    assert other.get(HISTOGRAM, "/a") == [0, 2, 2.0]


def test_of_an_ended_worker_only_the_sums_count() -> None:
    values = Values()
    values.update(values_of(bytes_sent=5, queued_bytes=7), gauges=False)
    assert (values.get("c10kws_bytes_sent"), values.get("c10kws_queued_bytes")) == (5, 0)


def test_a_snapshot_is_json() -> None:
    values = values_of(bytes_sent=5)
    values.add(HISTOGRAM, [1.0, 2.0, 0.25], "/a")
    decoded = Values.decode(values.encode())
    assert dict(decoded) == dict(values)
    assert json.loads(values.encode())["version"] == 1


@pytest.mark.parametrize(
    "snapshot", [b"", b'{"version":2,"values":{"c10kws_bytes_sent":[]}}', b"{}"]
)
def test_a_snapshot_of_another_release_is_ignored(snapshot: bytes) -> None:
    assert dict(Values.decode(snapshot)) == {}


def test_an_unknown_family_is_ignored() -> None:
    snapshot = b'{"version":1,"values":{"c10kws_future":[[[],1]],"c10kws_bytes_sent":[[[],2]]}}'
    assert dict(Values.decode(snapshot)) == {"c10kws_bytes_sent": {(): 2}}


def test_counters_do_not_fall() -> None:
    values = values_of(bytes_sent=5, queued_bytes=1)
    earlier = values_of(bytes_sent=7, bytes_received=3, queued_bytes=9)
    values.keep_from_falling(earlier)
    assert values.get("c10kws_bytes_sent") == 7
    assert values.get("c10kws_bytes_received") == 3
    assert values.get("c10kws_queued_bytes") == 1


def test_families_follow_the_conventions() -> None:
    for name, family in FAMILIES.items():
        assert name.startswith("c10kws_") and not name.endswith("_total")
        assert family.help.endswith(".")
        assert family.kind != "counter" or not family.largest
