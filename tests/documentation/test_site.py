"""The documentation is built as a site, without a warning."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.shell import ROOT

DOCS = ROOT / "docs"
#: Files that name pages in their comments and texts.
SUFFIXES = {".py", ".js", ".mts", ".ts", ".ini", ".toml", ".rst", ".txt"}
FOLDERS = ("c10kws", "servers", "demo", "matrix", "benchmarks", "tools", "tests", "docs")


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ``python3 docs`` has written; its examples have run, too."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, str(DOCS / "__main__.py"), "--here", "--output", str(folder)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "WARNING" not in built.stderr
    return folder / "html"


def test_every_page_is_written(output: Path) -> None:
    sources = {path.relative_to(DOCS) for path in DOCS.rglob("*.rst")}
    written = {path.relative_to(output).with_suffix(".rst") for path in output.rglob("*.html")}
    assert sources <= written


def test_no_text_of_a_page_is_a_name_of_a_source_file(output: Path) -> None:
    """Pages link to each other; the name of a source file is no link."""
    for path in (path for path in DOCS.rglob("*.rst") if path.name != "development.rst"):
        assert ".rst``" not in path.read_text("utf-8").replace("results.rst``", ""), path


def texts() -> Iterator[Path]:
    """Yield the files of the repository that may name a page."""
    yield from (path for path in ROOT.iterdir() if path.suffix in SUFFIXES)
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in SUFFIXES and "_build" not in path.parts:
                yield path


def test_each_page_that_a_text_names_exists() -> None:
    for path in texts():
        for name in re.findall(r"\bdocs/[\w/-]+\.rst\b", path.read_text("utf-8")):
            assert (ROOT / name).is_file(), f"{path} names {name}"


def test_a_link_that_leads_nowhere_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(DOCS / "extensions")
    import links

    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "page.html").write_text('<p id="here"><a href="#here">')
    text = '<a href="folder/page.html#here"><a href="folder/page.html#there"><img src="none.png">'
    (tmp_path / "index.html").write_text(text)
    assert links.broken_links(tmp_path) == [
        (tmp_path / "index.html", "folder/page.html#there"),
        (tmp_path / "index.html", "none.png"),
    ]
