"""The table of refusals has every status and close code that the source code sends."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from c10kws.protocol.closing import NEVER_SENT, CloseCode
from tests.support.shell import ROOT

#: Modules with such numbers that they do not send, or only pass on, and the reason.
NOT_SENT = {
    "c10kws/conf.py": "sizes",
    "c10kws/events/frames/envelope.py": "tells which codes are final for a client",
    "c10kws/handlers/connection_log.py": "a field of a log record",
    "c10kws/handlers/statistics.py": "names of outcomes for metrics",
    "c10kws/longpoll/handler.py": "statuses that a view sends",
    "c10kws/management/log_output.py": "colours of log lines",
    "c10kws/management/testecho/crowd.py": "a client",
    "c10kws/test/stage.py": "the test client",
    "c10kws/test/websocket.py": "the test client",
    "c10kws/testpages/views.py": "a page for tests",
    "servers/c10kws_tornado/accesslog.py": "levels of access lines",
    "servers/c10kws_tornado/http/responsehead.py": "headers of the application's 426",
    "servers/c10kws_tornado/limits.py": "sizes",
    "servers/c10kws_tornado/tornado_app.py": "a field of an access line",
}
#: The statuses that a server may send as refusals (RFC 9110 §15, RFC 6585).
STATUSES = {400, 401, 403, 404, 405, 408, 413, 414, 417, 421, 426, 429, 431}
STATUSES |= {500, 501, 502, 503, 504, 505, 507}


@cache
def table() -> ModuleType:
    """Return the module with the table."""
    sys.path.insert(0, str(ROOT / "docs" / "extensions"))
    try:
        import refusals
    finally:
        del sys.path[0]
    return refusals


def sources() -> list[Path]:
    """Return the modules of the library and of the server that a project runs."""
    tops = [ROOT / "c10kws", ROOT / "servers" / "c10kws_tornado"]
    return [
        path for top in tops for path in sorted(top.rglob("*.py")) if "compat" not in path.parts
    ]


def codes_of(path: Path) -> Iterator[int]:
    """Yield the statuses and close codes in a module: numbers, and members of CloseCode.

    A module without CloseCode may have constants of the same names.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Constant(value=int(number)) if number in STATUSES or 4400 <= number < 4500:
                yield number
            case ast.Attribute(value=ast.Name("CloseCode"), attr=name) if (
                name in CloseCode.__members__
            ):
                code = CloseCode[name]
                if code not in NEVER_SENT:
                    yield int(code)
            case ast.Assign(targets=[ast.Name(name)], value=ast.Constant(value=int(number))) if (
                name in CloseCode.__members__ and number == CloseCode[name]
            ):
                yield number


def test_each_code_in_the_source_has_a_row() -> None:
    rows = [*table().STATUSES, *table().CLOSE_CODES]
    known = {(place, row.code) for row in rows for place in row.places}
    unknown = set()
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        if name in NOT_SENT or name == "c10kws/protocol/closing.py":
            continue
        for code in codes_of(path):
            if not any(place == name and belongs(code, row) for place, row in known):
                unknown.add((name, code))
    assert unknown == set()


def belongs(code: int, row: int) -> bool:
    """Return True if a number is a row's code, or the status that a close code is made of."""
    return row in (code, code + 4000)


def test_each_row_has_a_code_in_the_source() -> None:
    for row in [*table().STATUSES, *table().CLOSE_CODES]:
        for place in row.places:
            codes = set(codes_of(ROOT / place))
            assert any(belongs(code, row.code) for code in codes), (row.code, place)


def test_each_exception_is_needed() -> None:
    for name in NOT_SENT:
        assert set(codes_of(ROOT / name)), name


@pytest.mark.parametrize("code", sorted(CloseCode))
def test_each_close_code_of_the_protocol_is_in_the_table_if_the_server_sends_it(
    code: CloseCode,
) -> None:
    sent = any(text in code.description for text in ("by the server", "by either side"))
    assert sent == any(row.code == code for row in table().CLOSE_CODES)


def test_each_log_line_is_in_the_source() -> None:
    texts = {
        node.value
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for row in [*table().STATUSES, *table().CLOSE_CODES]:
        assert any(row.log in text for text in texts), row.log
