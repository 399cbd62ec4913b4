"""The demo and the library's test pages, in headless Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect


def texts(page: Page, selector: str) -> list[str]:
    return page.locator(selector).all_inner_texts()


def log_in(page: Page) -> None:
    page.goto("/login/?next=/whoami/")
    page.get_by_label("Name").fill("demo")
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/whoami/")


def test_every_link_of_the_index_leads_somewhere(page: Page) -> None:
    page.goto("/")
    links = [link.get_attribute("href") for link in page.get_by_role("link").all()]
    assert len(links) >= 6
    for link in links:
        response = page.goto(link or "")
        assert response is not None and response.status == 200, link


def test_the_conversation(page: Page) -> None:
    page.goto("/test/")
    expect(page.get_by_role("status")).to_have_text("It works: closed with 1000.")
    assert texts(page, "#log .received") == [
        "Hello!",
        "1. Spam?",
        "2. Eggs!",
        "3. Python.",
        "Goodbye!",
    ]
    assert texts(page, "#log .sent") == ["Spam?", "Eggs!", "Python."]


def test_the_conversation_with_words_of_ones_own(page: Page) -> None:
    page.goto("/test/")
    expect(page.get_by_role("status")).to_have_text("It works: closed with 1000.")
    field = page.get_by_role("textbox", name="Message")
    for message in ("Ni!", "<b>", "größer", "Again?"):
        field.fill(message)
        field.press("Enter")
        expect(field).to_have_value("")
        expect(page.locator("#own-log .received", has_text=message)).to_be_visible()
    assert texts(page, "#own-log .received") == [
        *("Hello!", "1. Ni!", "2. <b>", "3. größer", "Goodbye!"),
        *("Hello!", "1. Again?"),
    ]
    assert texts(page, "#own-log .sent") == ["Ni!", "<b>", "größer", "Again?"]


def test_forms_by_get(page: Page) -> None:
    page.goto("/test/wsgi/")
    page.locator("#get-text").fill("größer & <b>")
    page.get_by_role("button", name="Send by GET").click()
    expect(page.get_by_role("heading", name="Received by GET")).to_be_visible()
    assert texts(page, "tbody td") == ["text", "größer & <b>"]


def test_forms_by_post_with_a_file(page: Page, tmp_path: Path) -> None:
    upload = tmp_path / "upload.bin"
    upload.write_bytes(b"x" * 3_000_000)
    page.goto("/test/wsgi/")
    page.locator("#post-text").fill("größer")
    page.get_by_label("File").set_input_files(upload)
    page.get_by_role("button", name="Send by POST").click()
    expect(page.get_by_role("heading", name="Received by POST")).to_be_visible()
    assert texts(page, "tbody td") == ["text", "größer", "file", "upload.bin (3000000 bytes)"]


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("/echo/", "Closed with 3000: closed by the page."),
        ("/hello-tornado", "Closed with 3000."),  # Tornado's answer has no reason
    ],
)
def test_echo(page: Page, path: str, end: str) -> None:
    page.goto(path)
    expect(page.get_by_role("status")).to_have_text("Connected.")
    for message in ("one", "zwei é"):
        page.get_by_role("textbox", name="Message").fill(message)
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#log .received").last).to_have_text(message)
    page.get_by_role("button", name="Close with 3000").click()
    expect(page.get_by_role("status")).to_have_text(end)


def test_a_vote(page: Page) -> None:
    page.goto("/polls/")
    page.get_by_role("link", name="What goes with the tea?").click()
    page.get_by_role("radio", name="Lemon").check()
    page.get_by_role("button", name="Vote").click()
    page.wait_for_url("**/polls/*/results/")
    expect(page.get_by_role("heading", name="1 vote")).to_be_visible()
    expect(page.get_by_label("Lemon: 1 vote")).to_have_attribute("value", "1")


def test_a_browser_sees_why_it_was_refused(page: Page) -> None:
    page.goto("/whoami/")
    expect(page.get_by_role("status")).to_have_text("Closed with 4401: authentication required.")


def test_a_browser_sees_a_missing_slash_and_a_missing_page(page: Page) -> None:
    page.goto("/")
    for path, code, reason in (
        ("/ws/echo", 4404, "missing final slash: /ws/echo/"),
        ("/nowhere/", 4404, "not found"),
    ):
        assert close_seen_by(page, path) == {"code": code, "reason": reason}


def test_under_debug_a_page_of_another_site_sees_why_it_is_refused(page: Page, demo: str) -> None:
    other = demo.replace("127.0.0.1", "localhost")
    page.goto(other)
    own = demo.replace("http", "ws")
    reason = f"origin: Add {other!r} to CSRF_TRUSTED_ORIGINS to allow it."
    assert close_seen_by(page, f"{own}/ws/echo/") == {"code": 4403, "reason": reason}


def test_the_user_of_the_session_arrives(page: Page) -> None:
    log_in(page)
    expect(page.get_by_role("status")).to_have_text("Connected.")
    expect(page.locator("#log .received")).to_have_text("You are demo.")


def test_streams_show_line_by_line(page: Page) -> None:
    page.goto("/streaming/")
    for name, word, thread in (("lines", "line", "c10kws-"), ("events", "event", "MainThread")):
        expect(page.locator(f"#{name} li").first).to_contain_text(f"{word} 1 of 8, from {thread}")
        expect(page.locator(f"#{name} li").last).to_contain_text(f"{word} 8 of 8, from {thread}")
        said = [text.partition(",")[0] for text in texts(page, f"#{name} li")]
        assert said == [f"{word} {number} of 8" for number in range(1, 9)]


def close_seen_by(page: Page, path: str) -> Any:
    """Open a WebSocket from the page; return its close event, as the script gets it."""
    return page.evaluate(
        """(path) => new Promise((resolve) => {
            const url = new URL(path, location.href);
            url.protocol = url.protocol.replace("http", "ws");
            const socket = new WebSocket(url);
            socket.onclose = ({code, reason}) => resolve({code, reason});
        })""",
        path,
    )
