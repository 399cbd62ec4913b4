"""A project made by ``django-admin startproject``, under ``runserver``, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.support.commands import Start


def test_the_views_of_a_stock_project(browser: Browser, start: Start, port: int) -> None:
    command = start("runserver", "--noreload", str(port))
    command.wait_for("Quit the server")
    context = browser.new_context(base_url=f"http://127.0.0.1:{port}")
    page = context.new_page()
    page.goto("/admin/login/")
    for path in ("/ws/echo/", "/ws/session/"):
        assert page.evaluate(
            """(path) => new Promise((resolve, reject) => {
                const socket = new WebSocket(`ws://${location.host}${path}`);
                socket.onopen = () => socket.send("hello from a browser");
                socket.onmessage = (event) => resolve(event.data);
                socket.onclose = (event) => reject(`closed with ${event.code}`);
            })""",
            path,
        ) == ("hello from a browser")
    assert "sessionid" in {cookie["name"] for cookie in context.cookies()}
    context.close()
