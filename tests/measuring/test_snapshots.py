"""Snapshots of workers: compressed values with a process ID."""

from __future__ import annotations

import os

import pytest

from c10kws.handlers.statistics import BUCKETS, MAX_ENDPOINTS
from c10kws.measuring.families import FAMILIES, HISTOGRAM
from c10kws.measuring.snapshots import pack, unpack
from c10kws.measuring.values import Values
from c10kws_tornado.sharedstate import SNAPSHOT_SIZE


def test_a_snapshot_has_the_values_and_the_process() -> None:
    values = Values()
    values.add("c10kws_connections_opened", 3, "/a")
    snapshot = unpack(pack(values))
    assert snapshot.pid == os.getpid()
    assert dict(snapshot.values) == dict(values)


@pytest.mark.parametrize("data", [b"", b"1", b"{}", b'{"version":1,"values":{}}', bytes(100)])
def test_a_snapshot_of_another_release_is_ignored(data: bytes) -> None:
    assert dict(unpack(data).values) == {}


def test_many_endpoints_with_long_names_fit_into_a_slot() -> None:
    values = Values()
    for number in range(MAX_ENDPOINTS + 1):
        endpoint = f"organizations/<slug:organization>/projects/<int:id>/{number:0100d}/"
        for place, (name, family) in enumerate(FAMILIES.items()):
            if family.labels == ("endpoint",):
                value = 123456.0 * number * place
                counts = [value + bucket for bucket in (*BUCKETS, 1)]
                values.add(name, [*counts, 0.1] if family.kind == HISTOGRAM else value, endpoint)
    assert len(values.encode()) > SNAPSHOT_SIZE > len(pack(values))
    assert dict(unpack(pack(values)).values) == dict(values)
