"""The page of the JavaScript client's tests: its helpers, and the ends of its connection."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from tests.project.client_views import World

#: Options of a client that reconnects almost at once.
QUICK = {"reconnect": {"base": 0.01, "cap": 0.02}}
#: Options of a client that reconnects only by ``connect()``.
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


Start = Callable[..., None]


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
