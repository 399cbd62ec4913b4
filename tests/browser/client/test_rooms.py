"""Rooms."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.project.client_views import World
from tests.support.pages import QUICK, SLOW, Start, come_back, lose


def test_a_room(page: Page, world: World, start: Start) -> None:
    start("posted")
    joined = page.evaluate(
        """async () => {
            const [first, second] = await Promise.all([ws.join("chat:1"), ws.join("chat:1")]);
            ws.emit("post", {room: "chat:1", text: "one"});
            ws.emit("post", {room: "chat:2", text: "elsewhere"});
            await until(() => logged("posted").length);
            const left = await ws.leave("chat:1");
            await ws.request("echo");
            ws.emit("post", {room: "chat:1", text: "two"});
            await ws.request("echo");
            return [first, first === second, left];
        }"""
    )
    reply = {"room": "chat:1", "epoch": "k1", "seq": 0, "recovered": False}
    assert joined == [reply, True, {"room": "chat:1"}]
    place = {"room": "chat:1", "seq": 1, "epoch": "k1"}
    assert page.evaluate("log") == [["posted", {"text": "one"}, place]]
    assert [each["data"] for each in world.events("ws:join")] == [{"room": "chat:1"}]


def test_a_room_that_is_forbidden(page: Page, world: World, start: Start) -> None:
    start(**QUICK)
    refused = page.evaluate("() => caught(ws.join('secret'))")
    assert refused["code"] == "forbidden" and refused["details"] == {"room": "secret"}
    page.evaluate(
        """async () => {
            const {sid} = ws;
            ws.emit("end", {code: 1012});
            await until(() => ws.connected && ws.sid !== sid);
            await ws.request("echo");
        }"""
    )
    assert len(world.events("ws:join")) == 1  # a refused join is not repeated


def test_rooms_are_joined_again_with_their_positions(
    page: Page, world: World, start: Start
) -> None:
    start("posted", "reset", **SLOW)
    page.evaluate(
        """async () => {
            window.other = make("/v1/");
            await until(() => other.connected);
            await Promise.all([ws.join("chat:1:signed"), ws.join("chat:2")]);
            other.emit("post", {room: "chat:1", text: "one"});
            other.emit("post", {room: "chat:1", text: "two"});
            await until(() => logged("posted").length === 2);
        }"""
    )
    lose(page, world)
    page.evaluate(
        """() => other.emit("post", {room: "chat:1", text: "three"})
            .emit("post", {room: "chat:1", text: "four"}).request("echo")"""
    )
    come_back(page, world)
    page.evaluate(
        """async () => {
            other.emit("post", {room: "chat:1", text: "five"});
            await until(() => logged("posted").length === 5);
        }"""
    )
    texts = ["one", "two", "three", "four", "five"]
    assert page.evaluate("logged('posted').map(({text}) => text)") == texts
    assert page.evaluate("log.map(([, , place]) => place.seq)") == [1, 2, 3, 4, 5]
    assert page.evaluate("logged('reset')") == []
    assert [each["data"] for each in world.events("ws:join")[2:]] == [
        {"room": "chat:1:signed", "since": {"epoch": "k1", "seq": 2}},
        {"room": "chat:2", "since": {"epoch": "k1", "seq": 0}},
    ]


def test_a_lost_history_causes_a_reset(page: Page, world: World, start: Start) -> None:
    start("posted", "reset", **SLOW)
    page.evaluate(
        """async () => {
            await ws.join("chat:1");
            ws.emit("post", {room: "chat:1", text: "one"});
            ws.emit("post", {room: "chat:1", text: "two"});
            ws.emit("forget", {room: "chat:1"});
            await until(() => logged("posted").length === 2);
        }"""
    )
    lose(page, world)
    come_back(page, world)
    page.evaluate(
        """async () => {
            await until(() => logged("reset").length);
            ws.emit("post", {room: "chat:1", text: "new"});
            await until(() => logged("posted").length === 3);
        }"""
    )
    assert page.evaluate("logged('reset')") == [{"room": "chat:1", "epoch": "k1+", "seq": 0}]
    place = {"room": "chat:1", "seq": 1, "epoch": "k1+"}
    assert page.evaluate("log[log.length - 1]") == ["posted", {"text": "new"}, place]


def test_a_history_that_cannot_be_read_does_not_change_the_position(
    page: Page, world: World, start: Start
) -> None:
    start("posted", "reset", **SLOW)
    page.evaluate("() => ws.join('chat:1')")
    page.evaluate("(text) => ws.emit('say', {text}).request('echo')", FRAME % ("one", 1))
    room = world.rooms["chat:1"]
    for epoch in (None, "k1"):
        lose(page, world)
        room.epoch, room.history = epoch, ["one", "two"]
        come_back(page, world)
        page.evaluate("() => ws.request('echo')")
    assert page.evaluate("logged('reset').map(({epoch}) => epoch)") == [None]
    assert page.evaluate("logged('posted').map(({text}) => text)") == ["one", "two"]
    since = {"epoch": "k1", "seq": 1}
    assert [each["data"].get("since") for each in world.events("ws:join")] == [None, since, since]


def test_a_join_before_there_is_a_connection(page: Page, world: World) -> None:
    world.rooms["chat:1"].history = ["one", "two", "three"]
    page.evaluate(
        """async () => {
            window.ws = make("/v1/", {}, "posted", "reset");
            await ws.join("chat:1", {since: "k1:1"});
            await until(() => logged("posted").length === 2);
            await caught(ws.join("chat:2", {since: {epoch: "k0", seq: 9}}));
        }"""
    )
    assert page.evaluate("logged('posted').map(({text}) => text)") == ["two", "three"]
    assert page.evaluate("logged('reset')") == [{"room": "chat:2", "epoch": "k1", "seq": 0}]


def test_a_join_that_is_refused_after_a_reconnect(page: Page, world: World, start: Start) -> None:
    start("warning", **SLOW)
    page.evaluate("() => ws.join('chat:1')")
    lose(page, world)
    del world.rooms["chat:1"]
    come_back(page, world)
    page.evaluate("() => until(() => log.length)")
    assert page.evaluate("logged('warning')") == [
        {
            "code": "forbidden",
            "message": "not for you",
            "details": {"room": "chat:1"},
            "room": "chat:1",
        }
    ]


FRAME = '{"event": "posted", "data": {"text": "%s"}, "room": "chat:1", "epoch": "k1", "seq": %d}'


def test_messages_before_the_reply_to_a_join_keep_their_order(
    page: Page, world: World, start: Start
) -> None:
    """The server has joined the room before, so live messages may overtake missed ones."""
    start("posted", "reset", **SLOW)
    page.evaluate(
        """async () => {
            await ws.join("chat:1");
            ws.emit("post", {room: "chat:1", text: "one"});
            await until(() => logged("posted").length === 1);
        }"""
    )
    lose(page, world)
    room = world.rooms["chat:1"]
    room.history += ["two", "three"]
    room.early = [FRAME % ("three", 3)]
    come_back(page, world)
    page.evaluate("() => until(() => logged('posted').length === 3)")
    assert page.evaluate("logged('posted').map(({text}) => text)") == ["one", "two", "three"]
    assert page.evaluate("logged('reset')") == []


def test_a_room_that_the_server_joined_is_resumed(page: Page, world: World, start: Start) -> None:
    start("posted", "reset", **SLOW)
    page.evaluate("(text) => ws.emit('say', {text}).request('echo')", FRAME % ("one", 1))
    other = (FRAME % ("other", 7)).replace("chat:1", "secret")
    page.evaluate("(text) => ws.emit('say', {text}).request('echo')", other)
    lose(page, world)
    world.rooms["chat:1"].history = ["one", "two"]
    come_back(page, world)
    page.evaluate("() => until(() => logged('posted').length === 3)")
    assert page.evaluate("logged('posted').map(({text}) => text)") == ["one", "other", "two"]
    assert [each["data"] for each in world.events("ws:join")] == [
        {"room": "chat:1", "since": {"epoch": "k1", "seq": 1}},
        {"room": "secret", "since": {"epoch": "k1", "seq": 7}},
    ]
    lose(page, world)
    come_back(page, world)
    page.evaluate("() => ws.request('echo')")
    assert [each["data"]["room"] for each in world.events("ws:join")[2:]] == ["chat:1"]


def test_messages_that_the_server_has_lost_cause_a_reset(
    page: Page, world: World, start: Start
) -> None:
    start("posted", "reset")
    page.evaluate(
        """async () => {
            await ws.join("chat:1");
            const data = {room: "chat:1", epoch: "k2", seq: 4};
            ws.emit("say", {text: JSON.stringify({event: "ws:reset", data})});
            ws.emit("say", {text: JSON.stringify({event: "ws:reset", data: {}})});
            await until(() => logged("reset").length === 2);
        }"""
    )
    assert page.evaluate("logged('reset')") == [{"room": "chat:1", "epoch": "k2", "seq": 4}, {}]
    duplicate = (FRAME % ("four", 4)).replace("k1", "k2")
    following = (FRAME % ("five", 5)).replace("k1", "k2")
    for text in (duplicate, following):
        page.evaluate("(text) => ws.emit('say', {text}).request('echo')", text)
    assert page.evaluate("logged('posted')") == [{"text": "five"}]
