"""The admin's page "Live connections" in a browser, over the two workers of a server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browsers import Open, windows
from tests.support.commands import Start, open_socket
from tests.support.peers import closed_with
from tests.support.waiting import eventually

URL = "/admin/c10kws/liveconnection/"
SOCKETS = """
from c10kws.events import EventSocket

chat = EventSocket("/chat")

@chat.on("open")
async def join(socket):
    socket.join("kitchen")
"""
URLS = """
urlpatterns.append(path("ws/chat/", chat))
"""
USERS = """
import json
from django.contrib.auth.models import Permission, User
from django.test import Client

def session(user):
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value

viewer = User.objects.create_user("viewer", is_staff=True)
viewer.user_permissions.set(Permission.objects.filter(codename="view_liveconnection"))
users = [User.objects.create_superuser("chief", password="chief"), viewer]
users += [User.objects.create_user(name) for name in ("ann", "bob")]
print(json.dumps({user.username: session(user) for user in users}))
"""


@pytest.fixture
def sessions(project: Path, start: Start) -> dict[str, str]:
    """Users of the project, with the keys of their sessions."""
    (project / "mysite" / "sockets.py").write_text(SOCKETS)
    urls = project / "mysite" / "urls.py"
    urls.write_text(f"from mysite.sockets import chat\n{urls.read_text()}{URLS}")
    shell = start("shell", "-v0", "-c", USERS)
    assert shell.wait() == 0, shell.output
    found: dict[str, str] = json.loads(shell.output)
    return found


@pytest.fixture
def server(sessions: dict[str, str], start: Start, port: int) -> int:
    """The port of a server with two workers."""
    server = start("runtornado", "--workers", "2", str(port))
    server.wait_for(f"ws://127.0.0.1:{port}/")
    return port


@pytest.fixture
def open_window(browser: Browser, server: int) -> Iterator[Open]:
    """Open a page of the server in a window of a fresh profile."""
    with windows(browser, f"http://127.0.0.1:{server}", "404 (Not Found)") as open_path:
        yield open_path  # 404: the page has no icon


@pytest.fixture
def connect(server: int, sessions: dict[str, str]) -> Iterator[Any]:
    """Open WebSockets as these users; None is anonymous."""
    with ExitStack() as stack:

        def open_as(user: str | None, path: str = "/ws/echo/") -> Any:
            headers = {} if user is None else {"Cookie": f"sessionid={sessions[user]}"}
            return stack.enter_context(open_socket(server, path, additional_headers=headers))

        yield open_as


def rows(page: Page) -> Locator:
    return page.locator("#result_list tbody tr")


def reloaded(page: Page) -> int:
    """Load the page again, and return the number of rows."""
    page.reload()
    return rows(page).count()


def run_action(page: Page, label: str) -> None:
    page.select_option("select[name=action]", label=label)
    page.click("button[name=index]")


def fits(page: Page) -> bool:
    """Return True if the page needs no horizontal scrolling."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def log_in(page: Page) -> None:
    """Log in by the form, and go to the list from the index."""
    page.fill("#id_username", "chief")
    page.fill("#id_password", "chief")
    page.click("[type=submit]")
    page.click("text=Live connections")
    expect(page.locator("#content h1")).to_have_text("Live connections")
    expect(page.locator("#user-tools strong")).to_have_text("chief")


def processes(page: Page) -> set[str]:
    """Return the processes of the connections in the rows."""
    boxes = page.locator("[name=_selected_action]").all()
    return {(box.get_attribute("value") or "").partition("-")[0] for box in boxes}


def search_and_filter(page: Page, everyone: int) -> None:
    page.fill("#searchbar", "kitchen")
    page.click("#changelist-search [type=submit]")
    expect(rows(page)).to_have_count(1)
    cells = rows(page).locator("td").all_inner_texts()
    assert cells[1:4] == ["ann", "/ws/chat/", "127.0.0.1"]
    assert re.fullmatch(r"(\d+\smin)?\s?(\d+\ss)?", cells[4])
    assert cells[5:8] == ["0", "0", "0\xa0bytes"]
    assert cells[9] == "kitchen"
    page.click(f"text={everyone} total")
    expect(rows(page)).to_have_count(everyone)
    page.click("text=Anonymous")
    expect(rows(page)).to_have_count(everyone - 3)
    page.click("text=Clear all filters")
    page.click("#result_list >> text=Path")
    expect(rows(page).first).to_contain_text("/ws/chat/")
    page.locator("#result_list").get_by_text("ann", exact=True).first.click()
    expect(rows(page)).to_have_count(2)
    page.click("text=Clear all filters")


def look_as_viewer(page: Page, session: str) -> None:
    """Look at the page without the permission to close, with dark colours and in a small window."""
    site = page.url.partition("/admin")[0]
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
    page.goto(URL)
    expect(page.locator("#user-tools strong")).to_have_text("viewer")
    expect(rows(page).first).to_be_visible()
    expect(page.locator("input[type=checkbox]")).to_have_count(0)
    expect(page.locator("select")).to_have_count(0)
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) != light
    assert fits(page)
    page.set_viewport_size({"width": 400, "height": 800})
    assert fits(page)
    expect(page.get_by_text("By endpoint")).to_be_visible()


def test_the_journey_of_an_administrator(
    open_window: Open, connect: Any, sessions: dict[str, str]
) -> None:
    anns = [connect("ann", "/ws/chat/"), connect("ann")]
    bob = connect("bob")
    anonymous = [connect(None)]
    page = open_window("/admin/")
    log_in(page)

    def both_workers() -> bool:
        page.reload()
        if len(processes(page)) == 2:
            return True
        anonymous.append(connect(None))
        return False

    eventually(both_workers)
    everyone = len(anns) + len(anonymous) + 1
    expect(rows(page)).to_have_count(everyone)
    look_as_viewer(open_window("/admin/login/"), sessions["viewer"])
    search_and_filter(page, everyone)

    page.get_by_label("bob /ws/echo/").check()
    bob.close()  # while the page still shows it
    run_action(page, "Close selected connections")
    expect(page.locator(".messagelist")).to_contain_text("had already been closed")
    eventually(lambda: reloaded(page) == everyone - 1)

    page.get_by_label("ann /ws/chat/").check()
    run_action(page, "Close all connections of the selected users")
    expect(page.locator(".messagelist")).to_contain_text("Closed 2 connections.")
    assert [closed_with(each)[0] for each in anns] == [1008, 1008]

    eventually(lambda: reloaded(page) == len(anonymous))
    page.click("#action-toggle")
    run_action(page, "Close selected connections")
    assert {closed_with(each) for each in anonymous} == {(1008, "closed by an administrator")}
    eventually(lambda: reloaded(page) == 0)
    expect(page.locator(".paginator")).to_contain_text("0 live connections")
    page.goto("/admin/")
    expect(page.locator("#recent-actions-module")).to_contain_text("ann /ws/chat/")
