"""The page that the matrix writes."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import c10kws
import c10kws_tornado
from matrix import page
from matrix.results import Check, Pair, Report, Trial, has_failed
from tests.support.shell import ROOT

DOCS = ROOT / "docs" / "explanation"
FINE: Check = {"works": True, "log": ["line one", "", "line two"]}
BAD: Check = {"works": False, "log": ["it is broken"]}


def trial(websocket: Check = FINE, django: Check = FINE) -> Trial:
    versions = {"Python": "3.12.1", "Django": "6.0.10", "tornado": "6.6.1", "wsproto": "1.3.2"}
    return {"versions": versions, "websocket": websocket, "django": django}


def pair(oldest: Trial | None, newest: Trial | None, load: Check | None = None) -> Pair:
    times = {"/polls/": [1.0, 2.5, 9.0]} if load and load["works"] else {}
    return {
        "name": "py312-django60",
        "oldest": oldest,
        "newest": newest,
        "load": load,
        "times": times,
    }


def written(one: Pair, *left_out: str) -> str:
    report: Report = {"date": "2026-11-21", "machine": "a machine, 2 cores", "pairs": [one]}
    if left_out:
        report["left_out"] = list(left_out)
    return page.write(report)


def test_a_pair_that_works() -> None:
    one = pair(trial(), trial(), FINE)
    text = written(one)
    assert page.row(one) == (
        *("Python 3.12", "Django 6.0", "`py312-django60`_"),
        *("✓ Yes", "✓ Yes", "**✓ Yes**"),
    )
    assert "Tried on 2026-11-21 by ``make matrix`` on a machine, 2 cores." in text
    assert "Python 3.12.1, Django 6.0.10, tornado 6.6.1, wsproto 1.3.2. The checks" in text
    assert "The polls app works fine::\n\n    line one\n\n    line two\n" in text
    assert ".. image:: compatibility/py312-django60.svg" in text
    assert "Half of the answers came within 2.5 ms (``/polls/``)." in text
    assert "All of these Python versions were installed." in text
    assert not has_failed(one)


def test_a_pair_that_fails_with_the_oldest_fails() -> None:
    one = pair(trial(websocket=BAD), trial(), FINE)
    assert page.row(one)[3:] == ("✗ No", "✓ Yes", "**✗ No**")
    text = written(one)
    assert "The checks do **not** pass with tornado" in " ".join(text.split())
    assert "With the oldest releases Websocket does **not** work::\n\n    it is broken" in text
    assert has_failed(one)


def test_a_load_that_fails_is_shown() -> None:
    one = pair(trial(), trial(), BAD)
    assert page.row(one)[3:] == ("✓ Yes", "✓ Yes", "**✗ No**")
    assert "The load does **not** work::\n\n    it is broken" in written(one)
    assert ".. image::" not in written(one)


def test_an_environment_that_was_not_made() -> None:
    none: Trial = {"versions": {}, "websocket": BAD, "django": BAD}
    text = written(pair(none, none))
    assert "The environment was not made." in text
    assert text.count("    it is broken") == 4


def test_a_python_that_is_missing_is_named() -> None:
    one = pair(None, None)
    assert page.row(one)[3:] == ("─ Not tried", "─ Not tried", "**─ Not installed**")
    assert "Not installed on the machine: Python 3.12." in written(one)
    assert "Python 3.12 was not installed on the machine." in written(one)
    assert not has_failed(one)


def test_the_page_of_a_subset_says_so() -> None:
    text = " ".join(written(pair(trial(), trial()), "py311-django52", "py313-django60").split())
    assert "Tried on 2026-11-21 by ``python3 matrix --pair py312-django60`` on a machine" in text
    assert "**This page is about a subset:** 1 of 3 pairs." in text
    assert "Not tried: py311-django52, py313-django60." in text
    assert "each pair that Django itself supports" not in text
    assert "make matrix`` on" not in text


def test_the_page_of_all_pairs_says_so() -> None:
    text = " ".join(written(pair(trial(), trial())).split())
    assert "each pair that Django itself supports" in text
    assert "subset" not in text


def committed() -> Report:
    report: Report = json.loads((DOCS / "compatibility" / "results.json").read_text("utf-8"))
    return report


def test_the_committed_page_is_what_its_results_give() -> None:
    report = committed()
    assert (DOCS / "compatibility.rst").read_text("utf-8") == page.write(report)
    pictures = {path.stem for path in (DOCS / "compatibility").glob("*.svg")}
    assert pictures == {pair["name"] for pair in report["pairs"] if pair["times"]}


def test_the_page_has_every_pair_that_tox_has() -> None:
    text = (ROOT / "tox.ini").read_text("utf-8")
    listed = re.findall(r"^    py([\d{},]+)-django([\d{},]+)-{oldest,newest}$", text, re.MULTILINE)
    pairs = [
        f"py{python}-django{django}"
        for pythons, djangos in listed
        for python in pythons.strip("{}").split(",")
        for django in djangos.strip("{}").split(",")
    ]
    assert [pair["name"] for pair in committed()["pairs"]] == pairs


def places() -> list[Path]:
    """Return all our modules but the one that may ask."""
    packages: list[str | Path] = [*c10kws.__path__, *c10kws_tornado.__path__]
    folders = [*packages, ROOT / "demo", ROOT / "tests"]
    found = [path for folder in folders for path in sorted(Path(folder).rglob("*.py"))]
    return [path for path in found if path != ROOT / "tests" / "differences.py"]


def test_nothing_else_asks_for_a_version() -> None:
    asking = {"version_info", "hexversion", "VERSION", "get_version", "python_version"}
    for path in places():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in asking:
                raise AssertionError(f"{path}:{node.lineno}: put it into tests/differences.py")
            if isinstance(node, ast.ImportFrom) and node.module in ("sys", "django", "tornado"):
                assert not asking & {alias.name for alias in node.names}, f"{path}:{node.lineno}"
