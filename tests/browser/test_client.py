"""``client.js`` and ``progress.js`` in a real browser, against a peer that does as it is told.

The peer is ``tests/project/client_views.py``, in this process: a test looks at what it has heard.
Handshakes that fail are told by the browser on the console; that is no error of the page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest
from django.template import Context, Template
from playwright.sync_api import Browser, Page

from c10kws.management.server_options import server_options
from c10kws.refusals import Refusals
from tests.project import client_views
from tests.project.client_views import SUBPROTOCOL, World
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT

#: Comes back at once, nearly.
QUICK = {"reconnect": {"base": 0.01, "cap": 0.02}}
#: Comes back when somebody calls it, in practice.
SLOW = {"reconnect": {"base": 1e6, "cap": 1e6}}

HELPERS = """() => {
    window.until = (test) => new Promise((resolve, reject) => {
        const end = Date.now() + 30_000;
        const look = () => {
            const found = test();
            if (found) resolve(found);
            else if (Date.now() > end) reject(new Error(`in vain: ${test}`));
            else setTimeout(look, 5);
        };
        look();
    });
    window.log = [];
    window.logged = (event) => log.filter(([name]) => name === event).map(([, data]) => data);
    window.plain = (data) => data instanceof Event ? {code: data.code, reason: data.reason} : data;
    window.make = (path, options, ...events) => {
        const ws = tws(path, options);
        for (const event of events) {
            ws.on(event, (data, more) => log.push([event, plain(data), more]));
        }
        return ws;
    };
    window.caught = (promise) => promise.then(
        (value) => ({value}),
        ({name, code, message, details}) => ({name, code, message, details}),
    );
}"""


@pytest.fixture
def world() -> World:
    return client_views.restart()


@pytest.fixture
def site(settings: Any, world: World) -> Iterator[str]:
    """The page and its peer, on a free port."""
    settings.ROOT_URLCONF = "tests.project.client_views"
    application = Refusals(StaticFilesHandler(get_wsgi_application()))
    server = LiveServer(application, **server_options())
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


@pytest.fixture
def errors() -> list[str]:
    """What nobody caught in the page; at the end of a test it must be empty."""
    return []


@pytest.fixture
def page(browser: Browser, site: str, errors: list[str]) -> Iterator[Page]:
    context = browser.new_context(base_url=site)
    context.set_default_timeout(WAIT * 1000)
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/page/")
    page.evaluate(HELPERS)
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def warnings(page: Page) -> list[str]:
    """What the client warned of on the console."""
    found: list[str] = []

    def keep(message: Any) -> None:
        if message.type == "warning":
            found.append(message.text)

    page.on("console", keep)
    return found


Start = Callable[..., None]


@pytest.fixture
def start(page: Page) -> Start:
    """Make ``window.ws``, which logs the ``events``, and wait until it is open."""

    def start_client(*events: str, path: str = "/v1/", **options: Any) -> None:
        page.evaluate(
            """async ([path, options, events]) => {
                window.ws = make(path, options, ...events);
                await until(() => ws.connected);
            }""",
            [path, options, list(events)],
        )

    return start_client


def lose(page: Page, world: World, code: int = 1012) -> None:
    """End the connection, with a server that is away for the moment."""
    world.down = True
    page.evaluate(
        """async (code) => {
            ws.emit("end", {code});
            await until(() => !ws.connected && ws.state !== "open");
        }""",
        code,
    )


def come_back(page: Page, world: World) -> None:
    world.down = False
    page.evaluate("async () => { ws.connect(); await until(() => ws.connected); }")


# The scripts in the page


def test_the_tag_links_the_scripts_in_a_browser_with_a_policy(page: Page) -> None:
    scripts = "[...document.scripts].map((each) => [each.getAttribute('src'), each.nonce])"
    assert page.evaluate(scripts) == [
        ["/static/c10kws/client.js", "n0nce"],
        ["/static/c10kws/progress.js", "n0nce"],
    ]


def rendered(tag: str, **context: Any) -> str:
    return Template("{% load c10kws %}{% " + tag + " %}").render(Context(context))


def test_the_tag_finds_a_nonce_where_there_is_one() -> None:
    request = HttpRequest()
    plain = '<script src="/static/c10kws/client.js" data-prefix="/events/"></script>'
    assert rendered("c10kws_client") == plain
    assert rendered("c10kws_client", request=request, csp_nonce=None) == plain
    noncy = plain.replace("></", ' nonce="a&amp;b"></')
    assert rendered("c10kws_client", request=request, csp_nonce="a&b") == noncy
    request.csp_nonce = "a&b"  # type: ignore[attr-defined]
    assert rendered("c10kws_client", request=request) == noncy


def test_the_tag_takes_a_nonce_that_is_false_until_it_is_used() -> None:
    class Lazy:
        def __bool__(self) -> bool:
            return False

        def __str__(self) -> str:
            return "made"

    assert 'nonce="made"' in rendered("c10kws_client", csp_nonce=Lazy())


def test_the_tag_defers() -> None:
    assert rendered("c10kws_client progress=True defer=True").splitlines() == [
        '<script src="/static/c10kws/client.js" data-prefix="/events/" defer></script>',
        '<script src="/static/c10kws/progress.js" defer></script>',
    ]


def test_the_tag_knows_no_prefix_without_the_include(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.project.client_views"
    assert rendered("c10kws_client") == '<script src="/static/c10kws/client.js"></script>'


def test_the_modules_give_out_what_the_scripts_made(page: Page) -> None:
    assert page.evaluate(
        """async () => {
            const client = await import("/static/c10kws/client.mjs");
            const progress = await import("/static/c10kws/progress.mjs");
            return [
                client.default === window.TornadoWebSocket,
                client.TornadoWebSocket === client.default,
                client.tws === window.tws,
                client.SUBPROTOCOL,
                progress.ProgressBarModule === window.ProgressBarModule,
            ];
        }"""
    ) == [True, True, True, SUBPROTOCOL, True]


# Making one


def test_three_ways_to_make_one_and_a_subclass(page: Page, site: str) -> None:
    made = page.evaluate(
        """() => {
            class Mine extends TornadoWebSocket { mine() { return true; } }
            const all = [
                new TornadoWebSocket("/v1/"), TornadoWebSocket(" v1/ "), tws("/v1/"),
                new Mine("/v1/"),
            ];
            all.forEach((ws) => ws.close());
            return [
                all.map((ws) => [ws.url, ws instanceof TornadoWebSocket, ws.state]),
                all[3].mine(), all[3].constructor === Mine,
            ];
        }"""
    )
    url = site.replace("http", "ws") + "/ws/v1/"
    assert made == [[[url, True, "closed"]] * 4, True, True]


@pytest.mark.parametrize(
    ("path", "options", "url"),
    [
        ("/a", {"prefix": "/live/"}, "ws://{host}/live/a"),
        ("/a", {"prefix": ""}, "ws://{host}/a"),
        ("a", {"prefix": "live/sockets"}, "ws://{host}/live/sockets/a"),
        ("/a", {"host": "localhost"}, "ws://localhost:{port}/ws/a"),
        ("/a", {"host": "localhost:1"}, "ws://localhost:1/ws/a"),
        ("/a", {"port": 1}, "ws://127.0.0.1:1/ws/a"),
        ("/a", {"port": ""}, "ws://127.0.0.1/ws/a"),
        ("/a", {"secure": True}, "wss://{host}/ws/a"),
        ("ws://localhost:1/a", {"port": 2, "secure": True}, "ws://localhost:1/a"),
        ("WSS://localhost:1/a", {}, "WSS://localhost:1/a"),
    ],
)
def test_the_url(page: Page, site: str, path: str, options: dict[str, Any], url: str) -> None:
    code = "([path, options]) => tws(path, options).close().url"
    host = site.removeprefix("http://")
    assert page.evaluate(code, [path, options]) == url.format(
        host=host, port=host.partition(":")[2]
    )


def test_wrong_arguments(page: Page) -> None:
    assert page.evaluate(
        """() => {
            const ws = tws("/v1/");
            const thrown = [
                () => tws(),
                () => ws.on("open"),
                () => ws.once("open", "alert()"),
                () => ws.emit(),
                () => ws.emit("open"),
                () => ws.emit("ws:join"),
                () => ws.close(1),
            ].map((call) => { try { call(); } catch (error) { return error.name; } });
            ws.close();
            return thrown;
        }"""
    ) == ["ReferenceError", *["TypeError"] * 5, "InvalidAccessError"]


# Events


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


def test_the_sockets_own_events_and_those_of_the_server(
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


def test_what_is_no_frame_is_told_and_survived(
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


def test_an_event_that_nobody_hears_is_told_once(
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


# Requests


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


# Version 0


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


def test_a_version_that_is_asked_for(page: Page, world: World, start: Start) -> None:
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


def test_who_has_spoken_version_1_does_not_fall_back(
    page: Page, world: World, start: Start
) -> None:
    start(**QUICK)
    lose(page, world)
    page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 100))")
    come_back(page, world)
    assert len(world.handshakes) > 2
    assert all(each == [SUBPROTOCOL] for each in world.handshakes)


# Ends


@pytest.mark.parametrize(
    ("codes", "state"),
    [
        ((1000, 1002, 1003, 1007, 1008, 1009, 1010, 4400, 4401, 4403, 4404, 4499), "closed"),
        ((1001, 1011, 1012, 1013, 1014, 3000, 4000, 4399, 4408, 4429, 4500, 4503), "open"),
    ],
)
def test_the_close_code_says_whether_to_come_back(
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
def test_a_bye_knows_better(page: Page, code: int, bye: dict[str, Any], state: str) -> None:
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
        assert bye["retry_after"] <= delay <= bye["retry_after"] + 0.01


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


def test_a_handshake_that_never_opens_is_given_up(page: Page, world: World) -> None:
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


def test_what_was_open_is_never_given_up(page: Page, world: World, start: Start) -> None:
    start("state", **QUICK)
    lose(page, world)
    page.evaluate("() => until(() => log.some(([, , detail]) => detail.tries > 12))")
    assert page.evaluate("ws.state") == "reconnecting"
    world.down = False
    page.evaluate("() => until(() => ws.connected)")


def test_delays_are_spread_and_bounded(page: Page, world: World, start: Start) -> None:
    start("state", reconnect={"base": 0.01, "cap": 0.04})
    lose(page, world)
    page.evaluate("() => until(() => log.some(([, , detail]) => detail.tries > 12))")
    details = page.evaluate("log.map(([, , detail]) => detail)")
    delays = {each["tries"]: each["delay"] for each in details if "delay" in each}
    assert all(0 <= delay <= min(0.04, 0.01 * 2 ** (n - 1)) for n, delay in delays.items())
    assert len(set(delays.values())) == len(delays)


def test_no_reconnection(page: Page, start: Start) -> None:
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


def test_silence_is_noticed(page: Page, world: World) -> None:
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


def test_the_browser_says_that_it_is_offline(page: Page, world: World, start: Start) -> None:
    start("offline", **SLOW)
    lose(page, world)
    assert page.evaluate("ws.state") == "reconnecting"
    page.context.set_offline(True)
    page.evaluate("() => until(() => ws.state === 'offline')")
    assert page.evaluate("logged('offline')") == [{"cause": "browser"}]
    world.down = False
    page.context.set_offline(False)
    page.evaluate("() => until(() => ws.connected)")


def test_who_looks_at_the_page_again_does_not_wait(page: Page, world: World, start: Start) -> None:
    start(**SLOW)
    lose(page, world)
    world.down = False
    page.evaluate(
        """async () => {
            document.dispatchEvent(new Event("visibilitychange"));
            await until(() => ws.connected);
        }"""
    )


def test_what_the_browser_notices_is_looked_into(page: Page, world: World, start: Start) -> None:
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


# What waits


def test_what_waits_goes_in_order(page: Page, world: World) -> None:
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


def test_a_full_queue_refuses_and_says_so(page: Page, world: World, start: Start) -> None:
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


def test_what_waits_too_long_is_dropped(page: Page, world: World, start: Start) -> None:
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


def test_a_request_that_nobody_awaits_any_more_is_not_sent(
    page: Page, world: World, start: Start
) -> None:
    start("dropped", **SLOW)
    lose(page, world)
    code = "async () => (await caught(ws.request('echo', 1, {timeout: 0.02}))).code"
    assert page.evaluate(code) == "timeout"
    come_back(page, world)
    page.evaluate("() => ws.request('echo', 2)")
    assert [each["data"] for each in world.events("echo")] == [{"message": 2}]


def test_no_queue(page: Page, start: Start, world: World) -> None:
    start("dropped", **SLOW, queue=False)
    lose(page, world)
    page.evaluate("() => ws.emit('echo')")
    assert page.evaluate("logged('dropped')") == [{"event": "echo", "data": {}, "reason": "full"}]


def test_what_is_too_large_for_the_server_stays_here(
    page: Page, world: World, start: Start
) -> None:
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


def test_close_drops_what_waits(page: Page, world: World, start: Start) -> None:
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


# Rooms


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
    assert len(world.events("ws:join")) == 1  # who was refused does not ask again


def test_rooms_are_joined_again_where_they_were_left(
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


def test_a_history_that_is_lost_is_a_reset(page: Page, world: World, start: Start) -> None:
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


def test_a_room_that_is_wanted_before_there_is_a_connection(page: Page, world: World) -> None:
    world.rooms["chat:1"].history = ["one", "two", "three"]
    page.evaluate(
        """async () => {
            window.ws = make("/v1/", {}, "posted", "reset");
            await ws.join("chat:1", {since: {epoch: "k1", seq: 1}});
            await until(() => logged("posted").length === 2);
            await caught(ws.join("chat:2", {since: {epoch: "k0", seq: 9}}));
        }"""
    )
    assert page.evaluate("logged('posted').map(({text}) => text)") == ["two", "three"]
    assert page.evaluate("logged('reset')") == [{"room": "chat:2", "epoch": "k1", "seq": 0}]


def test_a_room_that_is_closed_meanwhile(page: Page, world: World, start: Start) -> None:
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


# Progress bars


def draw(page: Page, start: Start, engine: str, options: dict[str, Any]) -> None:
    start()
    page.evaluate(
        """([engine, options]) => {
            const made = new ProgressBarModule[engine](document.querySelector("#bar"), options);
            window.bar = new ProgressBarModule(ws, made);
            for (const event of ["before_init", "after_init", "after_update", "done"]) {
                bar.on(event, () => log.push([event]));
            }
        }""",
        [engine, options],
    )


def send(page: Page, event: str, data: dict[str, Any]) -> dict[str, Any]:
    """Let the server send an event; return the attributes of the bar."""
    text = json.dumps({"event": event, "data": data})
    attributes: dict[str, Any] = page.evaluate(
        """async (text) => {
            ws.emit("say", {text});
            await ws.request("echo");
            const bar = document.querySelector("#bar [role=progressbar]");
            return {
                ...Object.fromEntries([...bar.attributes].map(({name, value}) => [name, value])),
                tag: bar.localName, width: bar.style.width,
            };
        }""",
        text,
    )
    return attributes


INIT = {"indeterminate": False, "min": 10, "max": 20, "value": 15}


def test_a_bar_of_html5(page: Page, start: Start, warnings: list[str]) -> None:
    draw(page, start, "HTML5", {"name": "Import"})
    before = send(page, "before_init", {})
    assert before["tag"] == "progress" and before["aria-label"] == "Import"
    assert "value" not in before and "aria-valuenow" not in before
    values = send(page, "init", INIT)
    assert (values["max"], values["value"]) == ("100", "50")
    assert [values[f"aria-value{each}"] for each in ("min", "max", "now")] == ["10", "20", "15"]
    assert values["aria-valuetext"] == "50%"
    values = send(page, "update", {"value": 20, "label": "<b>done</b> & $& {{percent}}"})
    assert values["value"] == "100" and values["aria-valuenow"] == "20"
    assert values["aria-valuetext"] == "100%, <b>done</b> & $& {{percent}}"
    send(page, "before_update", {})
    send(page, "done", {})
    assert page.evaluate("log") == [["before_init"], ["done"]]
    label, line = page.evaluate(
        """[...document.querySelector("#bar").children]
            .map((each) => [each.className, each.textContent])"""
    )
    assert label == ["progressbar-label", "<b>done</b> & $& {{percent}}"]
    assert line[1] == "100%"
    assert warnings == []


def test_the_options_of_html5(page: Page, start: Start) -> None:
    options = {
        "label": {"position": "bottom", "classes": ["a", "b"], "visible": False},
        "progression": {"position": "left", "format": "$& {{ percent }} of 100"},
    }
    draw(page, start, "EngineHtml5", options)
    send(page, "init", INIT)
    line, label = page.evaluate(
        "[...document.querySelector('#bar').children].map((each) => each.outerHTML)"
    )
    assert label == '<span class="a b" style="display: none;"></span>'
    assert ">$&amp; 50 of 100</span><progress " in line


def test_a_bar_of_bootstrap(page: Page, start: Start) -> None:
    draw(page, start, "Bootstrap", {"progressbar": {"context": "success", "striped": True}})
    values = send(page, "init", {"indeterminate": True})
    assert "aria-valuenow" not in values and values["width"] == "100%"
    assert {"progress-bar-animated", "active"} < set(values["class"].split())
    values = send(page, "init", INIT)
    assert set(values["class"].split()) == {
        "progress-bar",
        "progress-bar-success",
        "bg-success",
        "progress-bar-striped",
    }
    assert values["width"] == "50%" and values["aria-valuenow"] == "15"
    assert (
        page.evaluate("document.querySelector('#bar .progress .progress-bar').textContent") == "50%"
    )
    values = send(page, "update", {"label": "half"})
    assert values["aria-valuetext"] == "50%, half" and values["width"] == "50%"
    assert send(page, "update", {"value": 30})["width"] == "100%"


def test_the_options_of_bootstrap(page: Page, start: Start) -> None:
    options = {"progression": {"visible": False}, "progressbar": {"animated": True}}
    draw(page, start, "EngineBootstrap", options)
    values = send(page, "init", INIT)
    assert {"progress-bar-info", "progress-bar-animated"} < set(values["class"].split())
    hidden = "document.querySelector('#bar .progress-bar span').className"
    assert page.evaluate(hidden) == "progressbar-progression sr-only visually-hidden"


OUTLINE = """[...document.querySelectorAll("#bar *")].map((each) => [
    each.localName, each.textContent, getComputedStyle(each).display === "none", each.className,
])"""


def test_what_html5_hides_and_shows(page: Page, start: Start) -> None:
    draw(page, start, "HTML5", {"progression": {"visible": False}})
    send(page, "init", INIT)
    send(page, "update", {"value": 15, "label": "half"})
    label, _, bar, progression = page.evaluate(OUTLINE)
    assert label == ["span", "half", False, "progressbar-label"]
    assert bar[0] == "progress"  # the percentage to its right
    assert progression == ["span", "50%", True, "progressbar-progression"]
    values = send(page, "init", {"indeterminate": True})
    assert not {"value", "aria-valuenow", "aria-valuemin", "aria-valuetext"} & set(values)
    assert page.evaluate(OUTLINE)[0][1] == ""


@pytest.mark.parametrize(
    ("context", "striped", "animated"),
    [
        ("info", False, False),
        ("success", True, False),
        ("warning", False, True),
        ("danger", True, True),
    ],
)
def test_what_bootstrap_hides_and_shows(
    page: Page, start: Start, context: str, striped: bool, animated: bool
) -> None:
    options = {
        "label": {"position": "bottom", "classes": ["mine"]},
        "progression": {"format": "{{percent}} of 100"},
        "progressbar": {"context": context, "striped": striped, "animated": animated},
    }
    draw(page, start, "Bootstrap", options)
    send(page, "init", INIT)
    values = send(page, "update", {"value": 11, "label": "a tenth"})
    assert values["role"] == "progressbar" and values["aria-valuetext"] == "10 of 100, a tenth"
    classes = set(values["class"].split())
    assert {"progress-bar", f"progress-bar-{context}", f"bg-{context}"} <= classes
    assert ("progress-bar-striped" in classes) is (striped or animated)
    assert ("progress-bar-animated" in classes) is ("active" in classes) is animated
    assert [each[:2] for each in page.evaluate(OUTLINE)] == [
        ["div", "10 of 100"],
        ["div", "10 of 100"],
        ["span", "10 of 100"],
        ["span", "a tenth"],
    ]
    assert page.evaluate(OUTLINE)[3] == ["span", "a tenth", False, "mine"]


def test_a_prefix_and_an_engine_of_ones_own(page: Page, start: Start, world: World) -> None:
    start()
    page.evaluate(
        """async () => {
            const calls = [];
            const method = (name) => (data) => calls.push([name, data]);
            const names = ["render", "onInit", "onUpdate", "updateLabel", "updateProgression"];
            const engine = Object.fromEntries(names.map((name) => [name, method(name)]));
            window.calls = calls;
            window.bar = new ProgressBarModule(ws, engine, "import_").on("done", method("done"));
        }"""
    )
    send_plain = "async (text) => { ws.emit('say', {text}); await ws.request('echo'); }"
    for event, data in (
        ("import_init", INIT),
        ("import_update", {"value": 16}),
        ("import_done", {}),
    ):
        page.evaluate(send_plain, json.dumps({"event": event, "data": data}))
    assert page.evaluate("calls") == [
        ["render", None],
        ["onInit", INIT],
        ["onUpdate", {"value": 16}],
        ["done", {}],
    ]
    page.evaluate("() => bar.emit('start').websocket.request('echo')")
    assert world.heard[-2]["event"] == "import_start"


def test_what_is_no_engine(page: Page) -> None:
    thrown = page.evaluate(
        """() => [
            () => new ProgressBarModule({}, {}),
            () => new ProgressBarModule({on() {}}, {render() {}}),
            () => new ProgressBarModule.HTML5("#bar"),
            () => new ProgressBarModule.Bootstrap(document.body, {progressbar: {context: "x"}}),
        ].map((call) => { try { call(); } catch (error) { return error.name; } })"""
    )
    assert thrown == ["TypeError"] * 4
