"""The demo's pages with a chat, as a visitor uses them."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def enter(page: Page, name: str) -> None:
    """Enter with a name."""
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("status")).to_have_text(f"You are {name}.")


def say(page: Page, text: str) -> None:
    """Send a message."""
    page.get_by_role("textbox", name="Message").fill(text)
    page.get_by_role("button", name="Say").click()


def said(page: Page, *lines: str) -> None:
    """Expect these messages, each as its name and its text."""
    expect(page.locator("#messages li b")).to_have_text([line.partition(": ")[0] for line in lines])
    expect(page.locator("#messages li span")).to_have_text(
        [line.partition(": ")[2] for line in lines]
    )
