"""The README, followed step by step, and its looks on a package index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docutils.core import publish_string
from playwright.sync_api import Browser

from tests.documentation.pages import Block, read
from tests.documentation.reader import Reader
from tests.documentation.serving import WAIT
from tests.support.shell import ROOT, SOURCES

README = ROOT / "README.rst"


def test_the_steps(tmp_path: Path, browser: Browser) -> None:
    reader = Reader(tmp_path, PYTHONPATH=SOURCES)

    def look(address: str) -> None:
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(f"{address}/admin/")
            with page.expect_console_message(
                lambda message: message.text == "hello", timeout=WAIT * 1000
            ):
                page.evaluate("(typed) => { (0, eval)(typed); }", reader.typed)

    reader.follow(read(README), {"the console shows hello": look})


@pytest.mark.parametrize("name", ["README.rst", "CHANGELOG.rst"])
def test_a_page_is_shown_without_sphinx(name: str) -> None:
    """A package index refuses what docutils alone warns of."""
    strict = {"halt_level": 2, "report_level": 2, "raw_enabled": False}
    text = (ROOT / name).read_text(encoding="utf-8")
    assert b"<h2>" in publish_string(text, writer="html5", settings_overrides=strict)


def test_the_links_of_the_readme_lead_to_pages() -> None:
    links = re.findall(r"<([^<>]+\.rst)>`_", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_what_is_not_run_says_why() -> None:
    blocks = [step for step in read(README) if isinstance(step, Block)]
    assert [block.language for block in blocks if block.not_run] == ["console", "python", "console"]
