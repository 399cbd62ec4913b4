"""The limit of file descriptors: raised at the start, with a warning if it is too low."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from c10kws_tornado import Limits, Server, descriptors
from c10kws_tornado.descriptors import UNLIMITED, descriptor_limit, ensure_descriptors
from tests.support.applications import hello

resource = pytest.importorskip("resource", reason="Windows has no limit of descriptors")
INFINITY = resource.RLIM_INFINITY


class System:
    """The limits of a process, which accepts none above ``most``."""

    RLIMIT_NOFILE = resource.RLIMIT_NOFILE
    RLIM_INFINITY = INFINITY

    def __init__(self, soft: int, hard: int, most: int = 1_048_576) -> None:
        self.limits = (soft, hard)
        self._most = most

    def getrlimit(self, kind: int) -> tuple[int, int]:
        return self.limits

    def setrlimit(self, kind: int, limits: tuple[int, int]) -> None:
        if limits[0] == INFINITY or limits[0] > self._most:
            raise ValueError("current limit exceeds maximum limit")
        self.limits = limits


def limits_after(monkeypatch: pytest.MonkeyPatch, system: System, needed: int = 0) -> Any:
    monkeypatch.setattr(descriptors, "resource", system)
    ensure_descriptors(needed)
    return system.limits


@pytest.mark.parametrize(
    ("soft", "hard", "raised"),
    [
        (1024, 4096, 4096),
        (4096, 4096, 4096),
        (256, INFINITY, 10_240),  # macOS
        (20_000, INFINITY, 20_000),
        (INFINITY, INFINITY, INFINITY),
    ],
)
def test_the_soft_limit_is_raised(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, raised: int
) -> None:
    system = System(soft, hard)
    assert limits_after(monkeypatch, system) == (raised, hard)
    assert descriptor_limit() == (UNLIMITED if raised == INFINITY else raised)


def test_a_system_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits_after(monkeypatch, System(512, 4096, most=1024)) == (512, 4096)


@pytest.mark.parametrize(("needed", "warnings"), [(4096, 0), (4097, 1)])
def test_a_warning_if_the_settings_need_more(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, needed: int, warnings: int
) -> None:
    limits_after(monkeypatch, System(1024, 4096), needed)
    assert len(caplog.records) == warnings
    assert all(record.levelno == logging.WARNING for record in caplog.records)
    for record in caplog.records:
        assert "is 4096, but the settings may need 4097" in record.getMessage()


def test_the_settings_that_count() -> None:
    limits = Limits(reserved_descriptors=5)
    server = Server(hello, threads=10, queue_size=100, limits=limits)
    assert server.needed_descriptors == 10 + 100 + 2 * 10 + 5
    server = Server(hello, threads=10, queue_size=100, limits=limits, expected_connections=20_000)
    assert server.needed_descriptors == 20_135
