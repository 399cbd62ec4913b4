"""Events that wait for a connection."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.project.client_views import World
from tests.support.pages import SLOW, Start, come_back, lose


def test_queued_events_are_sent_in_order(page: Page, world: World) -> None:
    page.evaluate(
        """async () => {
            window.ws = make("/v1/", {}, "open");
            const data = {number: 1};
            ws.on("open", () => ws.emit("echo", {number: 3}));
            ws.emit("echo", data);
            data.number = "changed";
            await ws.request("echo", {number: 2});
            await ws.request("echo", {number: 4});
        }"""
    )
    assert [frame["data"]["number"] for frame in world.heard] == [1, 2, 3, 4]


def test_events_beyond_a_full_queue_are_dropped(page: Page, world: World, start: Start) -> None:
    start("dropped", **SLOW, queue={"size": 2})
    lose(page, world)
    code = page.evaluate(
        """async () => {
            ws.emit("echo", 1).emit("echo", 2).emit("echo", 3);
            return (await caught(ws.request("echo", 4))).code;
        }"""
    )
    assert code == "closed"
    dropped = {"event": "echo", "data": {"message": 3}, "reason": "full"}
    assert page.evaluate("logged('dropped')") == [dropped]
    come_back(page, world)
    page.evaluate("() => ws.request('echo')")
    assert [each["data"] for each in world.events("echo")] == [{"message": 1}, {"message": 2}, {}]


def test_events_that_wait_too_long_are_dropped(page: Page, world: World, start: Start) -> None:
    start("dropped", **SLOW, queue={"seconds": 0.05})
    lose(page, world)
    result = page.evaluate(
        """async () => {
            ws.emit("echo", 1);
            const request = await caught(ws.request("echo", 2));
            await until(() => logged("dropped").length);
            return [request.code, request.details];
        }"""
    )
    assert result == ["closed", {"reason": "expired"}]
    dropped = {"event": "echo", "data": {"message": 1}, "reason": "expired"}
    assert page.evaluate("logged('dropped')") == [dropped]
    come_back(page, world)
    page.evaluate("() => ws.request('echo')")
    assert len(world.events("echo")) == 1


def test_a_request_is_not_sent_after_its_timeout(page: Page, world: World, start: Start) -> None:
    start("dropped", **SLOW)
    lose(page, world)
    code = "async () => (await caught(ws.request('echo', 1, {timeout: 0.02}))).code"
    assert page.evaluate(code) == "timeout"
    come_back(page, world)
    page.evaluate("() => ws.request('echo', 2)")
    assert [each["data"] for each in world.events("echo")] == [{"message": 2}]


def test_queue_false(page: Page, start: Start, world: World) -> None:
    start("dropped", **SLOW, queue=False)
    lose(page, world)
    page.evaluate("() => ws.emit('echo')")
    assert page.evaluate("logged('dropped')") == [{"event": "echo", "data": {}, "reason": "full"}]


def test_frames_that_are_too_large_are_not_sent(page: Page, world: World, start: Start) -> None:
    start("dropped")
    error = page.evaluate(
        """async () => {
            ws.emit("echo", "é".repeat(500)).emit("echo", "x".repeat(900));
            return caught(ws.request("echo", "x".repeat(2000)));
        }"""
    )
    length = len('{"event":"echo","data":{"message":""},"id":1}') + 2000
    assert error == {
        "name": "RequestError",
        "code": "too_large",
        "message": f'"echo" was not sent: too_large ({length} bytes; the server accepts 1000)',
        "details": {"reason": "too_large", "length": length, "limit": 1000},
    }
    (dropped,) = page.evaluate("logged('dropped')")
    sizes = {"length": len('{"event":"echo","data":{"message":""}}') + 1000, "limit": 1000}
    data = {"message": "é" * 500}
    assert dropped == {"event": "echo", "data": data, "reason": "too_large"} | sizes
    page.evaluate("() => ws.request('echo')")
    assert len(world.events("echo")) == 2


def test_close_drops_queued_events(page: Page, world: World, start: Start) -> None:
    start("dropped", **SLOW)
    lose(page, world)
    code = page.evaluate(
        """async () => {
            ws.emit("echo");
            const request = caught(ws.request("echo"));
            const room = caught(ws.join("chat:1"));
            ws.close();
            return [(await request).code, (await room).code];
        }"""
    )
    assert code == ["closed", "closed"]
    assert page.evaluate("logged('dropped')") == [{"event": "echo", "data": {}, "reason": "closed"}]
