"""The numbers of a server: ``c10kws.measure`` of the contract."""

from __future__ import annotations

from typing import Any

from c10kws_tornado.measurements import Measurements
from tests.support.applications import TEXT
from tests.support.peers import Client
from tests.support.waiting import eventually


def test_a_request_finds_the_numbers(serve: Any) -> None:
    found: list[Measurements] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        found.append(environ["c10kws.measure"]())
        start_response("200 OK", [TEXT])
        return [b"abc"]

    live = serve(application)
    with live.client() as idle, live.client() as client:
        assert isinstance(idle, Client)
        client.get("/")
        client.get("/")
        eventually(lambda: live.server.pool.busy == live.server.measure().requests == 0)
        after = live.server.measure()
    assert found[0].requests == 1
    assert found[0].connections >= 1
    assert after.slow_clients == 0
    assert after.loop_lag is not None and after.loop_lag < 60
    pool = after.pools["c10kws"]
    assert (pool["threads"], pool["busy"], pool["queued"], pool["refused"]) == (16, 0, 0, 0)
    assert pool["jobs"] >= 2 and pool["waited"] > 0
