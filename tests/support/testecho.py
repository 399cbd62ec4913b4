"""``manage.py testecho`` in this process, and what it prints."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command

from .servers import LiveServer


def testecho(*urls: str, **options: Any) -> tuple[str, str, str]:
    """Run the command; return what it wrote to stdout and stderr, and what it raised."""
    stdout, stderr, error = StringIO(), StringIO(), ""
    try:
        call_command("testecho", urls=urls, stdout=stdout, stderr=stderr, **options)
    except CommandError as raised:
        error = str(raised)
    return stdout.getvalue(), stderr.getvalue(), error


testecho.__test__ = False  # type: ignore[attr-defined]


def page(live: LiveServer, path: str = "/test/ws/") -> str:
    return f"ws://127.0.0.1:{live.port}{path}"


def reasons(output: str) -> dict[str, int]:
    """Return the failures of a summary."""
    return {
        reason: int(count.replace(",", ""))
        for count, reason in re.findall(r"^ {5,}([0-9,]+)  (.+)$", output, re.MULTILINE)
    }
