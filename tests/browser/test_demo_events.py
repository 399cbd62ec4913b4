"""The demo's pages on events, each in two windows of headless Chromium."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.support.browsers import Open
from tests.support.chat_pages import enter, said, say
from tests.support.waiting import WAIT

# The chat


def test_two_windows_talk_and_show_the_people(open_window: Open) -> None:
    one, two = (open_window("/chat/two-windows/") for _ in range(2))
    expect(one.get_by_role("button", name="Say")).to_be_disabled()
    enter(one, "Ada")
    enter(two, "Bob")
    for page in (one, two):
        expect(page.locator("#people")).to_have_text("Ada, Bob")
    say(one, "Hello!")
    said(two, "Ada: Hello!")
    say(two, "größer 🐍")
    for page in (one, two):
        said(page, "Ada: Hello!", "Bob: größer 🐍")
    two.close()
    expect(one.locator("#people")).to_have_text("Ada")


def test_the_history_is_shown_after_a_reload_and_to_a_new_client(open_window: Open) -> None:
    one = open_window("/chat/history/")
    enter(one, "Ada")
    lines = [f"Ada: {number}" for number in range(1, 53)]
    for line in lines:
        say(one, line.removeprefix("Ada: "))
    said(one, *lines)
    one.reload()
    expect(one.get_by_role("status")).to_have_text("You are Ada.")
    said(one, *lines[2:])
    two = open_window("/chat/history/")
    said(two)
    enter(two, "Bob")
    said(two, *lines[2:])


def test_rooms_are_separate(open_window: Open) -> None:
    one, two = open_window("/chat/"), open_window("/chat/python/")
    one.wait_for_url("**/chat/lobby/")
    enter(one, "Ada")
    enter(two, "Bob")
    say(one, "in the lobby")
    say(two, "about Python")
    said(one, "Ada: in the lobby")
    said(two, "Bob: about Python")
    expect(two.locator("#people")).to_have_text("Bob")
    one.get_by_role("link", name="python").click()
    expect(one.locator("#people")).to_have_text("Ada, Bob")
    said(one, "Bob: about Python")


def test_html_is_shown_as_text(open_window: Open) -> None:
    one, two = (open_window("/chat/html/") for _ in range(2))
    html = "<img src=x onerror=\"document.title='broken'\"><b>bold</b>"
    enter(one, "<i>Ada</i>")
    enter(two, "Bob")
    say(one, html)
    for page in (one, two):
        said(page, f"<i>Ada</i>: {html}")
        expect(page.locator("#people")).to_have_text("<i>Ada</i>, Bob")
        assert page.title() == "html · Chat · c10kws demo"
        assert page.locator("main img, main i").count() == 0


def test_a_room_whose_name_does_not_fit_into_the_database(open_window: Open) -> None:
    page = open_window(f"/chat/{'x' * 51}/")
    expect(page.get_by_role("status")).to_contain_text("Closed: Ensure this value has at most 50")


def test_a_name_of_spaces_is_refused(open_window: Open) -> None:
    page = open_window("/chat/names/")
    page.get_by_role("textbox", name="Name", exact=True).fill("  ")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("status")).to_have_text("the name must have 1 to 40 characters")
    expect(page.get_by_role("button", name="Say")).to_be_disabled()


# The progress bar


def test_all_windows_show_the_progress(open_window: Open) -> None:
    windows = [open_window("/progress/") for _ in range(2)]
    for page in windows:
        expect(page.get_by_role("status")).to_have_text("Ready.")
    windows[0].get_by_role("button", name="Bake").click()
    for page in windows:
        expect(page.get_by_role("status")).to_have_text("Baking …")
        expect(page.get_by_role("button", name="Bake")).to_be_disabled()
    late = open_window("/progress/")
    expect(late.get_by_role("status")).to_have_text("Baking …")
    windows.append(late)
    for page in windows:
        expect(page.get_by_role("status")).to_have_text("Done.", timeout=WAIT * 1000)
    windows.append(open_window("/progress/"))
    for page in windows:
        expect(page.get_by_role("status")).to_have_text("Done.")
        for engine in ("#html5", "#bootstrap"):
            bar = page.locator(engine).get_by_role("progressbar")
            expect(bar).to_have_attribute("aria-valuenow", "50")
            expect(bar).to_have_attribute("aria-valuetext", "100%, biscuit 50 of 50")


# Requests


def test_each_result_of_a_request(open_window: Open) -> None:
    one, two = (open_window("/requests/") for _ in range(2))
    for name, sent, outcome in (
        ("17 / 5", 'divide {"a": 17, "b": 5}', 'reply: {"quotient":3,"remainder":2}'),
        (
            "17 / 0",
            'divide {"a": 17, "b": 0}',
            'invalid: a and b must be integers, and b not 0 {"got":{"a":17,"b":0}}',
        ),
        ("Too slow", "dawdle {}", 'timeout: no reply to "dawdle" in 0.5 seconds {}'),
        ("Unknown event", "sing {}", "unknown_event: no callback is bound to 'sing' {}"),
    ):
        expect(one.get_by_role("status")).to_have_text("Connected.")
        one.get_by_role("button", name=name).click()
        expect(one.locator("#log .sent").last).to_have_text(sent)
        expect(one.locator("#log .received").last).to_have_text(outcome)
    expect(one.locator("#log li")).to_have_count(8)
    expect(two.locator("#log li")).to_have_count(0)
