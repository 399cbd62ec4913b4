"""The reference has each setting, limit, system check, broker and public name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils.module_loading import import_string

import c10kws
from c10kws.checks import catalogue
from tests.support.shell import ROOT

EXTENSIONS = ROOT / "docs" / "extensions"
CONFIGURATION = f"""
import sys
import django
from django.conf import settings
sys.path.insert(0, {str(EXTENSIONS)!r})
settings.configure(INSTALLED_APPS=["c10kws"])
django.setup()
extensions = ["sphinx.ext.autodoc", "completeness", "generated"]
"""
PAGE = """
Page
====

.. autosetting:: THREADS

.. autofunction:: c10kws.broadcast

.. py:method:: c10kws.WebSocket.read_message

.. py:method:: c10kws.WebSocket.gone
"""


@pytest.fixture(scope="module")
def warnings(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The warnings of a site that has one page."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "conf.py").write_text(CONFIGURATION, encoding="utf-8")
    (folder / "index.rst").write_text(PAGE, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "--quiet", "--no-color"]
    command += ["--builder", "dummy", str(folder), "out"]
    built = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=900, check=True
    )
    return built.stderr


@pytest.mark.parametrize(
    "missing",
    [
        "setting PING_INTERVAL",
        "limit high_water",
        "check c10kws.E001",
        "broker c10kws.events.brokers.redis.RedisBroker",
        "name c10kws.WebSocket",
        "name c10kws.events.EventSocket",
        "name c10kws_tornado.Server",
        "attribute c10kws.WebSocket.close",
    ],
)
def test_what_no_page_has_is_a_warning(missing: str, warnings: str) -> None:
    assert f"no page of the reference has the {missing}\n" in warnings


@pytest.mark.parametrize(
    "present",
    ["setting THREADS", "name c10kws.broadcast", "attribute c10kws.WebSocket.read_message"],
)
def test_what_a_page_has_is_none(present: str, warnings: str) -> None:
    assert f"the {present}\n" not in warnings


def test_a_name_of_a_page_that_the_code_lacks_is_a_warning(warnings: str) -> None:
    assert "a page of the reference has c10kws.WebSocket.gone, which does not exist" in warnings
    assert "c10kws.WebSocket.read_message, which" not in warnings


def test_the_table_of_brokers_has_their_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXTENSIONS)
    from broker_table import feature_rows, find_brokers

    brokers = find_brokers()
    assert [path.rpartition(".")[2] for path in brokers] == [
        *("MemoryBroker", "LocalBroker", "RedisBroker"),
    ]
    assert {path: import_string(path) for path in brokers} == brokers
    assert feature_rows(brokers)[:2] == [
        ["Other processes of this machine", "no", "yes", "yes"],
        ["Other machines", "no", "no", "yes"],
    ]


def test_the_catalogue_lists_each_check_once() -> None:
    checks = [value for value in vars(catalogue).values() if isinstance(value, catalogue.Check)]
    assert sorted(checks, key=id) == sorted(catalogue.CHECKS, key=id)
    assert len({check.id for check in checks}) == len(checks)


def test_no_other_module_makes_a_check() -> None:
    own = Path(catalogue.__file__)
    for path in Path(c10kws.__file__).parent.rglob("*.py"):
        if path != own:
            assert not re.search(r"\bid=[\"']c10kws\.", path.read_text("utf-8")), path
