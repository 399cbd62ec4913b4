"""Making a client."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page


def test_three_ways_to_make_a_client_and_a_subclass(page: Page, site: str) -> None:
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
