"""Events, requests, and version 0 of the protocol."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.project.client_views import SUBPROTOCOL, World
from tests.support.pages import QUICK, Start, come_back, lose


def test_data_is_an_object(page: Page, world: World, start: Start) -> None:
    start("echoed")
    page.evaluate(
        """async () => {
            ws.emit("echo", {a: 1}).emit("echo", "text").emit("echo", 0).emit("echo", null)
                .emit("echo", [1]).emit("echo");
            await until(() => log.length === 6);
        }"""
    )
    objects = [{"a": 1}, *({"message": each} for each in ("text", 0, None, [1])), {}]
    assert page.evaluate("logged('echoed')") == objects
    assert world.heard == [{"event": "echo", "data": each} for each in objects]


def test_events_of_the_client_and_events_of_the_server(
    page: Page, start: Start, warnings: list[str]
) -> None:
    start("open", "close", "error", "message", "raw", "reset")
    frames = [
        {"event": "open", "data": {}},
        {"event": "reset", "data": {}},
        {"event": "message", "data": {"text": "hello"}},
    ]
    page.evaluate(
        """async (frames) => {
            frames.forEach((frame) => ws.emit("say", {text: JSON.stringify(frame)}));
            await until(() => logged("message").length);
            ws.emit("end", {code: 1000, reason: "enough"});
            await until(() => logged("close").length);
        }""",
        frames,
    )
    assert page.evaluate("logged('open').length") == 1
    assert page.evaluate("logged('message')") == [{"text": "hello"}]
    assert page.evaluate("logged('close')") == [{"code": 1000, "reason": "enough"}]
    assert page.evaluate("[...logged('error'), ...logged('reset')]") == []
    assert page.evaluate("logged('raw').length") == 4  # with ws:hello
    assert len([each for each in warnings if "the client has such an event" in each]) == 2


def test_handlers(page: Page, start: Start, errors: list[str]) -> None:
    start()
    calls = page.evaluate(
        """async () => {
            const calls = [];
            const unwanted = () => calls.push("unwanted");
            ws.on("echoed", () => { throw new Error("a broken handler"); })
                .once("echoed", () => calls.push("once"))
                .on("echoed", () => ws.off("echoed", unwanted))
                .on("echoed", unwanted)
                .on("echoed", ({message}) => calls.push(message));
            ws.emit("echo", 1).emit("echo", 2);
            await until(() => calls.includes(2));
            ws.off("echoed");
            await ws.request("echo", 3);
            ws.emit("echo", 4);
            await ws.request("echo", 5);
            return calls;
        }"""
    )
    assert calls == ["once", 1, 2]
    assert len(errors) == 2 and all("a broken handler" in each for each in errors)
    errors.clear()


def test_messages_that_are_not_frames_cause_warnings(
    page: Page, start: Start, warnings: list[str]
) -> None:
    start()
    texts = [
        "{",
        "[]",
        "1",
        "null",
        '{"event":1,"data":{}}',
        '{"event":"x"}',
        '{"event":"ws:x","data":{}}',
    ]
    page.evaluate(
        """async (texts) => {
            texts.forEach((text) => ws.emit("say", {text}));
            await ws.request("echo");
        }""",
        texts,
    )
    assert len([each for each in warnings if "not a frame" in each]) == 6


def test_an_event_without_a_handler_causes_one_warning(
    page: Page, start: Start, warnings: list[str]
) -> None:
    start()
    page.evaluate("() => ws.emit('echo').emit('echo').request('echo')")
    assert len([each for each in warnings if 'no handler for "echoed"' in each]) == 1


def test_a_refused_event_is_a_warning(page: Page, start: Start, warnings: list[str]) -> None:
    start("warning")
    page.evaluate("async () => { ws.emit('nonsense'); await until(() => log.length); }")
    refused = {"code": "unknown_event", "message": "nonsense", "details": {}}
    assert page.evaluate("logged('warning')") == [refused]
    assert warnings == []


def test_requests(page: Page, world: World, start: Start) -> None:
    start()
    error = {"code": "forbidden", "message": "not for you", "details": {"a": 1}}
    result = page.evaluate(
        """async (error) => Promise.all([
            caught(ws.request("quiet", {}, {timeout: 0.05})),
            caught(ws.request("fail", error)),
            caught(ws.request("echo", "text")),
            caught(ws.request("echo", {a: 1}, {timeout: Infinity})),
            caught(ws.request("ws:ping")),
        ])""",
        error,
    )
    assert result[0]["code"] == "timeout" and result[0]["name"] == "RequestError"
    assert result[1] == {"name": "RequestError", **error}
    assert result[2:4] == [{"value": {"message": "text"}}, {"value": {"a": 1}}]
    assert result[4]["name"] == "TypeError"
    assert len({frame["id"] for frame in world.heard}) == 4


def test_a_request_ends_with_its_connection(page: Page, start: Start) -> None:
    start(**QUICK)
    result = page.evaluate(
        """async () => {
            const request = caught(ws.request("quiet"));
            ws.emit("end", {code: 1012});
            return [await request, ws.sid];
        }"""
    )
    assert result[0]["code"] == "closed" and result[1] is None


def test_a_server_of_version_0(page: Page, world: World, start: Start) -> None:
    start("echoed", "warning", "open", "close", "error", path="/v0/", **QUICK)
    assert world.handshakes == [[SUBPROTOCOL], []]
    refused = page.evaluate(
        """async () => {
            ws.emit("echo", "text").emit("nonsense");
            await until(() => logged("warning").length);
            return [await caught(ws.request("echo")), await caught(ws.join("chat:1"))];
        }"""
    )
    assert [each["code"] for each in refused] == ["unsupported"] * 2
    assert page.evaluate("[ws.version, ws.sid, ws.state]") == [0, None, "open"]
    assert page.evaluate("logged('echoed')") == [{"message": "text"}]
    assert page.evaluate("logged('warning')") == [{"message": "Event is not binded."}]
    assert page.evaluate("[logged('open').length, logged('close'), logged('error')]") == [1, [], []]
    page.evaluate("async () => { ws.emit('end', {code: 1012}); await until(() => !ws.connected); }")
    page.evaluate("() => until(() => ws.connected)")
    assert world.handshakes == [[SUBPROTOCOL], []] * 2


def test_the_option_version(page: Page, world: World, start: Start) -> None:
    start(path="/v0/", version=0)
    assert world.handshakes == [[]]
    page.evaluate(
        """async (options) => {
            ws = make("/v0/", options, "offline");
            await until(() => logged("offline").length);
        }""",
        {"version": 1, "reconnect": {"base": 0.01, "cap": 0.02, "tries": 2}},
    )
    assert world.handshakes[1:] == [[SUBPROTOCOL]] * 2


def test_a_client_that_had_a_hello_does_not_fall_back(
    page: Page, world: World, start: Start
) -> None:
    start(**QUICK)
    lose(page, world)
    page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 100))")
    come_back(page, world)
    assert len(world.handshakes) > 2
    assert all(each == [SUBPROTOCOL] for each in world.handshakes)
