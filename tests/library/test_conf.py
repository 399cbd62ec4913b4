"""``C10KWS``: defaults and lazy reading."""

from __future__ import annotations

from typing import Any

from django.test import override_settings

from c10kws import conf
from tests.support.shell import ROOT


def test_defaults() -> None:
    assert conf.current() == conf.DEFAULTS
    assert conf.DEFAULTS.max_message_size == 2**20


def test_settings_are_read_when_they_are_needed() -> None:
    with override_settings(C10KWS={"THREADS": 4}):
        assert conf.current().threads == 4
        assert conf.current().close_timeout == 10
    assert conf.current().threads == 16


def test_a_setting_that_changes_is_read_anew() -> None:
    own: dict[str, Any] = {"FAST_LANE": False}
    with override_settings(C10KWS=own):
        assert conf.current().fast_lane is False
        own["FAST_LANE"] = True
        assert conf.current().fast_lane is True
        own["PING_INTERVAL"] = None
        assert conf.current().ping_interval is None


def test_every_setting_is_documented() -> None:

    page = (ROOT / "docs" / "reference" / "settings.rst").read_text()
    for key in conf.KEYS:
        assert f"\n.. autosetting:: {key}\n" in page
