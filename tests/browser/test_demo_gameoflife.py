"""The page of the Game of Life in headless Chromium, during games of the real command."""

from __future__ import annotations

import signal
from collections.abc import Set
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from demo.gameoflife import plaintext
from demo.gameoflife.grid import place
from tests.support.games import finish, next_step, run, started
from tests.support.waiting import WAIT

#: The content of the page, all of one picture: its figures, and the cells in the living colour.
LOOK = """() => {
    const grid = document.getElementById("grid");
    const { data } = grid.getContext("2d").getImageData(0, 0, grid.width, grid.height);
    const pen = new OffscreenCanvas(1, 1).getContext("2d");
    pen.fillStyle = getComputedStyle(document.body).getPropertyValue("--accent");
    pen.fillRect(0, 0, 1, 1);
    const accent = pen.getImageData(0, 0, 1, 1).data;
    const living = [];
    for (let i = 0; i < grid.width * grid.height; i++) {
        const same = [0, 1, 2].every((part) => data[4 * i + part] === accent[part]);
        if (same) living.push([Math.floor(i / grid.width), i % grid.width]);
    }
    const number = (id) => Number(document.getElementById(id).textContent.replaceAll(",", ""));
    const figures = ["step", "said", "rate", "connections"].map((id) => [id, number(id)]);
    return { living, size: [grid.width, grid.height], ...Object.fromEntries(figures) };
}"""


def look(page: Page) -> dict[str, Any]:
    return as_sets(page.evaluate(LOOK))


def as_sets(seen: dict[str, Any]) -> dict[str, Any]:
    return seen | {"living": {(row, column) for row, column in seen["living"]}}


def after(name: str, size: int, steps: int) -> Set[tuple[int, int]]:
    living: Set[tuple[int, int]] = place(plaintext.read(name), size, centre=True)
    for _ in range(steps):
        living = next_step(living, size, wrap=True)
    return living


def test_the_page_shows_a_running_game(page: Page, demo: str) -> None:
    page.goto("/gameoflife/")
    with started(demo, "-s8", "-pglider", "-l2") as game:
        expect(page.get_by_role("status")).to_have_text("A game is running.")
        expect(page.locator("#connections")).to_have_text("64")
        expect(page.locator("#hint")).to_be_hidden()
        for _ in range(2):
            check_next_step(page)
        page.wait_for_function("document.getElementById('rate').textContent !== '0'")
        game.send_signal(signal.SIGINT)
        assert finish(game)[0] == 0
    expect(page.get_by_role("status")).to_have_text("The game is over.")


def check_next_step(page: Page) -> None:
    """Wait for a picture of a step that all cells are in, and no other one yet."""
    condition = f"""(before) => {{
        const seen = ({LOOK})();
        return seen.step > before && seen.said === 64 && seen;
    }}"""
    seen = as_sets(page.wait_for_function(condition, arg=look(page)["step"]).json_value())
    assert seen["size"] == [8, 8]
    assert seen["living"] == after("glider", 8, seen["step"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_last_picture_stays_and_a_new_page_shows_it(page: Page, demo: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto("/gameoflife/")
    status, _, _ = run(demo, "-s6", "-pblinker", "-n3")
    assert status == 0
    for _ in range(2):
        expect(page.get_by_role("status")).to_have_text("The game is over.")
        expect(page.locator("#connections")).to_have_text("0")
        seen = look(page)
        assert (seen["step"], seen["said"], seen["size"]) == (3, 36, [6, 6])
        assert seen["living"] == after("blinker", 6, 3)
        page.reload()


def test_the_page_shows_the_commands_on_a_phone_too(page: Page, demo: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/")
    page.get_by_role("link", name="Game of Life").click()
    url = demo.replace("http", "ws") + "/gameoflife/ws/"
    expect(page.locator("#hint pre")).to_contain_text(f"gameoflife -s 100 --url {url}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_largest_grid_fits_a_message_and_the_page(page: Page) -> None:
    """A cell of the last row and column makes it 100 by 100."""
    page.goto("/gameoflife/")
    page.evaluate(
        """() => new Promise((resolve) => {
            const url = new URL("ws/99/99/", location.href.replace("http", "ws"));
            const cell = new WebSocket(url);
            cell.onopen = () => { cell.send("0,0"); cell.send("0 1"); resolve(); };
        })"""
    )
    expect(page.locator("#connections")).to_have_text("1", timeout=WAIT * 1000)
    page.wait_for_function("document.getElementById('said').textContent === '1'")
    seen = look(page)
    assert (seen["size"], seen["living"]) == ([100, 100], {(99, 99)})
