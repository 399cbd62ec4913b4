"""The committed locks."""

from __future__ import annotations

import re

import pytest

from tests.support.shell import ROOT

FOLDER = ROOT / "requirements"
REQUIREMENT = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)(?: ; .+?)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n"
)


def read(name: str) -> dict[str, str]:
    """Return the versions of a lock; fail where a line is anything but a hashed requirement."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    versions, end = {}, 0
    for requirement in REQUIREMENT.finditer(text):
        assert text[end : requirement.start()] == "", "neither options, addresses nor paths"
        versions[requirement["name"]] = requirement["version"]
        end = requirement.end()
    assert text[end:] == ""
    return versions


@pytest.mark.parametrize("name", ["demo.txt", "tests.txt"])
def test_a_lock_holds_exact_versions_and_hashes_of_all_dependencies(name: str) -> None:
    needed = {"django", "tornado", "wsproto", "h11", "asgiref", "sqlparse", "setuptools"}
    assert needed <= read(name).keys()


def test_tests_run_with_what_the_demo_runs_with() -> None:
    assert read("demo.txt").items() <= read("tests.txt").items()
