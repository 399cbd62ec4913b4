"""The demo's chat by long polling, in two windows of headless Chromium."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.support.browsers import Open


def join(page: Page, nick: str) -> None:
    page.get_by_role("textbox", name="Nick").fill(nick)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("status")).to_have_text(f"You are {nick}.")


def leave(page: Page) -> None:
    with page.expect_response("**/part/"):
        page.get_by_role("button", name="Leave").click()


def say(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Message").fill(text)
    page.get_by_role("button", name="Say").click()


def test_two_windows_talk_by_long_polling(open_window: Open) -> None:
    one, two = (open_window("/talk/") for _ in range(2))
    expect(one.get_by_role("button", name="Say")).to_be_disabled()
    join(one, "Ada")
    join(two, "Bob")
    for page in (one, two):
        expect(page.locator("#people")).to_have_text("Ada, Bob")
    say(one, "Hello!")
    say(two, "größer <b>🐍</b>")
    for page in (one, two):
        expect(page.locator("#messages b")).to_have_text(["Ada", "Bob"])
        expect(page.locator("#messages b + span")).to_have_text(["Hello!", "größer <b>🐍</b>"])
    expect(one.locator("#rss")).to_contain_text("MB")
    leave(two)
    expect(one.locator("#people")).to_have_text("Ada")
    expect(one.locator("#messages .note span")).to_have_text(
        ["Ada has joined", "Bob has joined", "Bob has left"]
    )
    one.goto("about:blank")
    join(two, "Bea")
    expect(two.locator("#people")).to_have_text("Bea")
    leave(two)


def test_a_client_whose_session_has_ended_joins_again(page: Page) -> None:
    page.goto("/talk/")
    join(page, "Cleo")
    page.evaluate("post('part/', {id: session.id})")
    expect(page.locator("#messages .note span")).to_have_text(
        ["Cleo has joined", "Cleo has left", "Cleo has joined"]
    )
    expect(page.get_by_role("status")).to_have_text("You are Cleo.")
    expect(page.locator("#people")).to_have_text("Cleo")
    say(page, "Here again!")
    expect(page.locator("#messages b + span")).to_have_text(["Here again!"])
