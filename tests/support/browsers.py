"""Headless Chromium: how it is started."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

#: Opens a path of the demo in a window of its own.
Open = Callable[[str], Page]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
