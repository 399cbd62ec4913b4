"""The code of guides and explanations is valid, and its names exist, also where no test runs it."""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.documentation.pages import Block, read
from tests.support.shell import ROOT

DOCS = ROOT / "docs"
#: The results of measurements, whose literal blocks are logs.
REPORTS = ("benchmarks", "broker-benchmarks", "compatibility")
PAGES = [
    page
    for folder in ("how-to", "explanation")
    for page in sorted((DOCS / folder).glob("*.rst"))
    if page.stem not in REPORTS
]
OPTIONS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST
#: It raises SyntaxError.
PARSE = "(code) => { new Function(`return async () => {${code}}`); }"


def blocks(page: Path, language: str) -> list[Block]:
    """Return the blocks of a page in a language."""
    steps = read(page)
    return [step for step in steps if isinstance(step, Block) and step.language == language]


def exists(module: str, name: str) -> bool:
    """Return True for a name of a module, and for a module of a package."""
    return hasattr(import_module(module), name) or bool(find_spec(f"{module}.{name}"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_the_python_of_a_page(page: Path) -> None:
    for block in blocks(page, "python"):
        for node in ast.walk(compile(block.text, page.name, "exec", OPTIONS)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("c10kws"):
                for name in node.names:
                    assert exists(node.module, name.name), f"{node.module} has no {name.name}"


def test_the_javascript_of_all_pages(browser: Browser) -> None:
    found = [block for page in PAGES for block in blocks(page, "javascript")]
    assert found
    with browser.new_context() as context:
        page = context.new_page()
        for block in found:
            page.evaluate(PARSE, block.text)
