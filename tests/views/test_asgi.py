"""A project with c10kws under ASGI: it is told what to run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.asgi import get_asgi_application
from django.core.signals import request_started
from django.test import AsyncClient, Client

from c10kws.views.asgi import watch_for_asgi


def get(path: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> tuple[int, str]:
    """Ask Django's own ASGI application as a server does; return status and body."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *headers],
    }
    requests = [{"type": "http.request", "body": b"", "more_body": False}]

    async def ask() -> None:
        async def receive() -> Any:
            return requests.pop() if requests else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await get_asgi_application()(scope, receive, send)

    async_to_sync(ask)()
    return sent[0]["status"], b"".join(each.get("body", b"") for each in sent).decode()


@pytest.fixture
def watch() -> Iterator[None]:
    """Watch as a process does that has just started."""
    watch_for_asgi()
    yield
    request_started.disconnect(dispatch_uid="c10kws.asgi")


@pytest.mark.usefixtures("db")
def test_a_websocket_url_under_asgi_says_what_to_run() -> None:
    handshake = (
        (b"upgrade", b"websocket"),
        (b"connection", b"upgrade"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    )
    for headers in ((), handshake):
        status, body = get("/ws/echo/", headers)
        assert status >= 400
        assert "Django runs under ASGI here" in body
        assert "manage.py runtornado" in body


@pytest.mark.usefixtures("db", "watch")
def test_the_first_request_under_asgi_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        assert get("/page/")[0] == 200
    (record,) = [each for each in caplog.records if each.name == "c10kws"]
    assert record.levelname == "WARNING"
    assert "ASGI" in record.getMessage()
    assert "manage.py runtornado" in record.getMessage()


@pytest.mark.usefixtures("db", "watch")
def test_the_first_request_under_wsgi_ends_the_watch(caplog: pytest.LogCaptureFixture) -> None:
    assert Client().get("/page/").status_code == 200
    assert get("/page/")[0] == 200
    assert not [each for each in caplog.records if each.name == "c10kws"]


@pytest.mark.usefixtures("db", "watch")
def test_djangos_async_test_client_is_no_asgi_server(caplog: pytest.LogCaptureFixture) -> None:
    assert async_to_sync(AsyncClient().get)("/page/").status_code == 200
    assert not [each for each in caplog.records if each.name == "c10kws"]
