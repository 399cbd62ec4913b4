"""The context of a view in its handler."""

from __future__ import annotations

from tests.support.servers import LiveServer
from tests.support.waiting import WAIT


def test_language_and_time_zone_of_the_handshake(live: LiveServer) -> None:
    with live.connect("/ws/locale/", additional_headers={"Accept-Language": "de"}) as ws:
        assert [ws.recv(WAIT), ws.recv(WAIT)] == ["de UTC", "de UTC"]
    with live.connect("/ws/locale/", additional_headers={"Accept-Language": "fr"}) as ws:
        assert [ws.recv(WAIT), ws.recv(WAIT)] == ["fr UTC", "fr UTC"]
