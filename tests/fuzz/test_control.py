"""Random requests to the processes that serve, from other processes of the same user."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from c10kws.control.operations import InvalidRequest, answer
from c10kws.events import EventSocket
from tests.support.events import forget
from tests.support.fuzz import examples
from tests.support.servers import LiveServer

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([1000, 1008, 4000, 10**400, "1000", "\ud800", "x" * 200]),
)
things = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
names = ["ids", "users", "logged_in", "endpoint", "search", "search_users"]
filters = st.one_of(st.dictionaries(st.sampled_from([*names, "x"]), things, max_size=3), things)
requests = st.fixed_dictionaries(
    {"operation": st.one_of(st.sampled_from(["list", "close", "stats", "emit"]), things)},
    optional=dict.fromkeys(("limit", "code", "reason", "all", "event", "data", "room"), things)
    | {"filter": filters, "endpoint": st.one_of(st.sampled_from(["/fuzz", "missing"]), things)},
)


def test_requests(make_live: Callable[..., LiveServer]) -> None:
    chat = EventSocket("/fuzz")
    live = make_live()

    @examples(300)
    @given(requests)
    def scenario(request: dict[str, Any]) -> None:
        try:
            reply = answer(json.loads(json.dumps(request)))
        except InvalidRequest as error:
            reply = {"error": str(error)}
        json.dumps(reply).encode()

    # hypothesis does not allow that the client uses ``random`` for Pings in its thread.
    with live.connect("/ws/echo/", ping_interval=None) as ws:
        ws.send("x")
        assert ws.recv() == "x"
        scenario()
    forget(chat)
