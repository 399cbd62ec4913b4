"""Warn of links within the built site that lead nowhere.

Sphinx itself resolves roles such as ``:doc:`` and ``:ref:``. This reads the pages that it has
written, so it also sees links written as addresses, and those of the theme.
"""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


class Page(HTMLParser):
    """The anchors and the links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect an element's anchor and its link."""
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value and tag != "link":
                self.links.add(value)


def broken_links(folder: Path) -> list[tuple[Path, str]]:
    """Return the pages of a built site and their links that lead nowhere."""
    pages = {
        path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))
    }
    return [
        (path, link)
        for path, page in pages.items()
        for link in sorted(page.links)
        if not leads_somewhere(path, link, pages)
    ]


def leads_somewhere(path: Path, link: str, pages: dict[Path, Page]) -> bool:
    """Return True for a link to another site, or to a file and anchor that exist."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target not in pages:
        return target.is_file()
    return not parts.fragment or unquote(parts.fragment) in pages[target].anchors


def check(app: Sphinx, exception: Exception | None) -> None:
    """Warn of each broken link once the pages are written."""
    if exception is None and app.builder.format == "html":
        folder = Path(app.outdir).resolve()
        for path, link in broken_links(folder):
            docname = path.relative_to(folder).with_suffix("").as_posix()
            logger.warning("this link leads nowhere: %s", link, location=docname)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the check to the end of a build."""
    app.connect("build-finished", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
