"""The end of a connection, and reconnecting."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.project.client_views import SUBPROTOCOL, World
from tests.support.pages import QUICK, SLOW, Start, come_back, lose


@pytest.mark.parametrize(
    ("codes", "state"),
    [
        ((1000, 1002, 1003, 1007, 1008, 1009, 1010, 4400, 4401, 4403, 4404, 4499), "closed"),
        ((1001, 1011, 1012, 1013, 1014, 3000, 4000, 4399, 4408, 4429, 4500, 4503), "open"),
    ],
)
def test_the_close_code_decides_about_a_reconnect(
    page: Page, codes: tuple[int, ...], state: str
) -> None:
    states = page.evaluate(
        """async ([codes, options]) => {
            const states = [];
            for (const code of codes) {
                const ws = tws("/v1/", options);
                await until(() => ws.connected);
                const {sid} = ws;
                ws.emit("end", {code});
                await until(() => ws.state === "closed" || (ws.connected && ws.sid !== sid));
                states.push(ws.state);
                ws.close();
            }
            return states;
        }""",
        [codes, QUICK],
    )
    assert states == [state] * len(codes)


@pytest.mark.parametrize(
    ("code", "bye", "state"),
    [
        (1012, {"code": 1012, "reconnect": False}, "closed"),
        (4401, {"code": 4401, "reconnect": True}, "open"),
        (4401, {"code": 4401, "reconnect": None}, "closed"),
        (1000, {"code": 1000, "reconnect": True, "retry_after": 0.05}, "open"),
    ],
)
def test_a_bye_overrides_the_close_code(
    page: Page, code: int, bye: dict[str, Any], state: str
) -> None:
    seen, delay = page.evaluate(
        """async ([code, bye, options]) => {
            const ws = tws("/v1/", options);
            await until(() => ws.connected);
            let delay = null;
            ws.once("state", (state, detail) => { delay = detail.delay ?? null; });
            ws.emit("end", {code, bye});
            await until(() => ws.state === "closed" || (delay !== null && ws.connected));
            return [ws.state, delay];
        }""",
        [code, bye, QUICK],
    )
    assert seen == state
    if "retry_after" in bye:
        assert bye["retry_after"] <= delay <= bye["retry_after"] * 1.5


@pytest.mark.parametrize(
    ("retry_after", "base", "least", "most"),
    [(0, 0.02, 0, 0.02), (0.02, 0.02, 0.02, 0.04), (0.08, 0.02, 0.08, 0.12)],
)
def test_the_delay_of_the_server_is_the_least_and_has_a_random_part(
    page: Page, retry_after: float, base: float, least: float, most: float
) -> None:
    delays = page.evaluate(
        """async ([bye, base]) => {
            const delays = [];
            const clients = Array.from({length: 20}, () => tws("/v1/", {reconnect: {base}}));
            await Promise.all(clients.map(async (ws) => {
                await until(() => ws.connected);
                ws.once("state", (state, {delay}) => { delays.push(delay); });
                ws.emit("end", {code: 1012, bye});
            }));
            await until(() => delays.length === clients.length);
            clients.forEach((ws) => ws.close());
            return delays;
        }""",
        [{"code": 1012, "reconnect": True, "retry_after": retry_after}, base],
    )
    assert all(least <= delay <= most for delay in delays)
    assert len(set(delays)) == len(delays)
    assert max(delays) - min(delays) > (most - least) / 4


def test_a_refused_handshake_is_final_and_never_open(page: Page, world: World) -> None:
    page.evaluate(
        """async () => {
            window.ws = make("/refused/", {}, "open", "close", "state");
            await until(() => logged("close").length);
        }"""
    )
    closed = {"code": 4401, "reason": "authentication required"}
    assert page.evaluate("log.map(([name, data, more]) => [name, data, more])") == [
        ["state", "closed", closed],
        ["close", closed, None],
    ]


def test_a_client_that_never_opens_gives_up(page: Page, world: World) -> None:
    world.down = True
    page.evaluate(
        """async (options) => {
            window.ws = make("/v1/", options, "offline", "close", "open");
            await until(() => logged("offline").length);
        }""",
        QUICK,
    )
    assert world.handshakes == [[SUBPROTOCOL], []] * 10
    assert page.evaluate("logged('offline')") == [{"cause": "tries", "tries": 10, "code": 1006}]
    assert page.evaluate("[ws.state, logged('close').length]") == ["offline", 10]
    come_back(page, world)
    assert page.evaluate("[ws.state, ws.version, logged('open').length]") == ["open", 1, 1]


def test_a_client_that_was_open_never_gives_up(page: Page, world: World, start: Start) -> None:
    start("state", **QUICK)
    lose(page, world)
    page.evaluate("() => until(() => log.some(([, , detail]) => detail.tries > 12))")
    assert page.evaluate("ws.state") == "reconnecting"
    world.down = False
    page.evaluate("() => until(() => ws.connected)")


def test_delays_are_random_and_bounded(page: Page, world: World, start: Start) -> None:
    start("state", reconnect={"base": 0.01, "cap": 0.04})
    lose(page, world)
    page.evaluate("() => until(() => log.some(([, , detail]) => detail.tries > 12))")
    details = page.evaluate("log.map(([, , detail]) => detail)")
    delays = {each["tries"]: each["delay"] for each in details if "delay" in each}
    assert all(0 <= delay <= min(0.04, 0.01 * 2 ** (n - 1)) for n, delay in delays.items())
    assert len(set(delays.values())) == len(delays)


def test_reconnect_false(page: Page, start: Start) -> None:
    start("close", reconnect=False)
    page.evaluate("async () => { ws.emit('end', {code: 1012}); await until(() => log.length); }")
    assert page.evaluate("ws.state") == "closed"


def test_the_page_closes_for_good(page: Page, world: World, start: Start) -> None:
    start("close", "dropped", "echoed", "state", **QUICK)
    result = page.evaluate(
        """async () => {
            ws.close(4000, "bye");
            const state = ws.state;
            ws.emit("echo", 1);
            const request = await caught(ws.request("echo"));
            await until(() => logged("close").length);
            return [state, request.code, ws.state];
        }"""
    )
    assert result == ["closed", "closed", "closed"]
    assert page.evaluate("logged('close')") == [{"code": 4000, "reason": "bye"}]
    dropped = {"event": "echo", "data": {"message": 1}, "reason": "closed"}
    assert page.evaluate("logged('dropped')") == [dropped]
    assert len(world.handshakes) == 1
    come_back(page, world)
    page.evaluate("async () => { ws.emit('echo', 2); await until(() => logged('echoed').length); }")
    assert page.evaluate("logged('state')") == ["open", "closed", "connecting", "open"]


def test_a_silent_connection_is_closed(page: Page, world: World) -> None:
    world.hello["ping"] = 1
    page.evaluate(
        """async (options) => {
            window.ws = make("/v1/", options, "close", "state");
            await until(() => ws.connected);
        }""",
        QUICK,
    )
    sid = page.evaluate("ws.sid")
    page.evaluate(
        "() => { window.pongs = 0; ws.on('raw', ({data}) => pongs += /pong/.test(data)); }"
    )
    page.evaluate("() => until(() => pongs === 2)")
    assert page.evaluate("ws.sid") == sid
    assert len(world.events("ws:ping")) == 2
    page.evaluate(
        """async (sid) => {
            ws.emit("die");
            await until(() => ws.connected && ws.sid !== sid);
        }""",
        sid,
    )
    assert page.evaluate("logged('close')") == [{"code": 1006, "reason": "no answer to ws:ping"}]


def test_a_ping_of_the_server_is_answered(page: Page, world: World, start: Start) -> None:
    start()
    text = json.dumps({"event": "ws:ping", "data": {}})
    page.evaluate("async (text) => { ws.emit('say', {text}); await ws.request('echo'); }", text)
    page.evaluate("() => ws.request('echo')")
    assert world.events("ws:pong") == [{"event": "ws:pong", "data": {}}]


def test_the_offline_event_of_the_browser(page: Page, world: World, start: Start) -> None:
    start("offline", **SLOW)
    lose(page, world)
    assert page.evaluate("ws.state") == "reconnecting"
    page.context.set_offline(True)
    page.evaluate("() => until(() => ws.state === 'offline')")
    assert page.evaluate("logged('offline')") == [{"cause": "browser"}]
    world.down = False
    page.context.set_offline(False)
    page.evaluate("() => until(() => ws.connected)")


def test_a_page_that_becomes_visible_retries_at_once(
    page: Page, world: World, start: Start
) -> None:
    start(**SLOW)
    lose(page, world)
    world.down = False
    page.evaluate(
        """async () => {
            document.dispatchEvent(new Event("visibilitychange"));
            await until(() => ws.connected);
        }"""
    )


def test_events_of_the_browser_cause_a_ping(page: Page, world: World, start: Start) -> None:
    start()
    page.evaluate(
        """async () => {
            window.dispatchEvent(new Event("online"));
            window.dispatchEvent(new Event("offline"));
            await ws.request("echo");
        }"""
    )
    assert len(world.events("ws:ping")) == 1
    assert page.evaluate("ws.state") == "open"
