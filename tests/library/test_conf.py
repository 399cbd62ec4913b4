"""``C10KWS``: defaults, lazy reading, and the checks that explain a mistake."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from c10kws import conf
from c10kws.checks import check_settings


def test_defaults() -> None:
    assert conf.current() == conf.DEFAULTS
    assert conf.DEFAULTS.max_message_size == 2**20


def test_settings_are_read_when_they_are_needed() -> None:
    with override_settings(C10KWS={"THREADS": 4}):
        assert conf.current().threads == 4
        assert conf.current().close_timeout == 10
    assert conf.current().threads == 16


def test_an_unknown_key_is_left_to_the_checks() -> None:
    with override_settings(C10KWS={"THREAD": 4}):
        assert conf.current() == conf.DEFAULTS
        (message,) = check_settings(None)
    assert message.id == "c10kws.W001"
    assert message.hint == "Did you mean 'THREADS'?"


@pytest.mark.parametrize(
    "value",
    [
        ["THREADS"],
        {"THREADS": "16"},
        {"THREADS": 0},
        {"THREADS": True},
        {"THREADS": 1.5},
        {"CLOSE_TIMEOUT": -1},
        {"CLOSE_TIMEOUT": None},
        {"TRUSTED_PROXIES": "127.0.0.1"},
        {"TRUSTED_PROXIES": [1]},
        {"CLOSE_REFUSED_HANDSHAKES": "no"},
    ],
)
def test_a_wrong_shape_is_an_error_that_says_what_was_expected(value: Any) -> None:
    with override_settings(C10KWS=value):
        (message,) = check_settings(None)
    assert message.id == "c10kws.E002"
    assert "must be" in message.msg


def test_whole_numbers_are_times_too() -> None:
    with override_settings(C10KWS={"CLOSE_TIMEOUT": 5, "TRUSTED_PROXIES": ["10.0.0.1"]}):
        assert check_settings(None) == []


def test_the_test_project_has_no_complaints() -> None:
    assert [message for message in run_checks() if message.id.startswith("c10kws")] == []


def test_every_setting_is_documented() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "settings.rst").read_text()
    for key in conf.KEYS:
        assert f"\n{key} " in page
