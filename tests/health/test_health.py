"""The health check of a project, on servers with and without the contract."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, ClassVar

import pytest
from django.db import OperationalError, connections
from django.test import Client, override_settings
from django.urls import include, path, re_path

from c10kws.events.brokers.registry import brokers
from c10kws.health import readiness
from c10kws.health.paths import find_paths
from c10kws.health.readiness import ReadinessCheck
from c10kws.management.server_options import server_options
from c10kws_tornado import stallmonitor
from tests.project import views
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

OK = {"status": "ok", "problems": {}}


class Service:
    """A service that may fail or hang."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.available = threading.Event()
        self.available.set()
        self.calls = 0

    def query(self) -> None:
        self.calls += 1
        assert self.available.wait(WAIT)
        if self.error is not None:
            raise self.error


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    made = Service()
    monkeypatch.setattr(readiness.CHECKS[0], "_function", made.query)
    yield made
    made.available.set()


@pytest.fixture(autouse=True)
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the checks again in each test."""
    monkeypatch.setattr(readiness, "MAX_AGE", 0.0)


def get(page: str = "/healthz/", **environ: Any) -> Any:
    return Client().get(page, **environ)


def test_a_server_that_reports_nothing() -> None:
    response = get()
    assert (response.status_code, response.json()) == (200, OK)
    assert response["Cache-Control"] == "no-store"
    assert Client().head("/healthz/").status_code == 200
    assert Client().post("/healthz/").status_code == 405


@pytest.mark.parametrize("page", ["/healthz/", "/healthz/?ready"])
def test_problems_of_the_server(service: Service, page: str) -> None:
    problems = {"draining": "The server is shutting down."}
    response = get(page, **{"c10kws.problems": lambda: problems})
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "problems": problems}
    assert response["Cache-Control"] == "no-store"
    assert service.calls == 0


def test_it_is_ready(transactional_db: None) -> None:
    response = get("/healthz/?ready")
    assert (response.status_code, response.json()) == (200, OK)


@pytest.mark.parametrize("usable", [True, False])
def test_the_database_is_queried(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, usable: bool
) -> None:
    kind = type(connections["default"])
    monkeypatch.setattr(kind, "is_usable", lambda self: usable)
    response = get("/healthz/?ready")
    assert response.json()["problems"] == (
        {} if usable else {"database": "Not available: ConnectionError."}
    )


def test_without_a_database_there_is_nothing_to_query(monkeypatch: pytest.MonkeyPatch) -> None:
    dummy = type("Dummy", (), {"settings_dict": {"ENGINE": readiness.NO_DATABASE}})
    monkeypatch.setattr(readiness, "connections", {"default": dummy})
    assert get("/healthz/?ready").json() == OK


def test_a_database_that_fails(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.error = OperationalError("no route to db.example as user admin")
    response = get("/healthz/?ready")
    assert response.status_code == 503
    assert response.json()["problems"] == {"database": "Not available: OperationalError."}
    assert get().status_code == 200
    assert "the database is not available: no route to db.example" in caplog.text
    service.error = None
    assert get("/healthz/?ready").json() == OK


def test_a_database_that_hangs(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "TIMEOUT", 0.1)
    service.available.clear()
    for _ in range(3):
        response = get("/healthz/?ready")
        assert response.status_code == 503
        assert response.json()["problems"]["database"].startswith("No response after ")
    assert service.calls == 1  # all wait for one thread
    monkeypatch.setattr(readiness, "ABANDON_AFTER", 0.0)
    get("/healthz/?ready")
    assert service.calls == 2
    service.available.set()
    monkeypatch.setattr(readiness, "TIMEOUT", WAIT)
    assert get("/healthz/?ready").json() == OK


def test_a_result_is_used_again_for_a_moment(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "MAX_AGE", WAIT)
    check = ReadinessCheck("database", service.query)
    assert [check.find_problem() for _ in range(3)] == [None] * 3
    assert service.calls == 1


def test_lost_brokers(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = "No connection to the broker 'default' for 3.2 s."
    monkeypatch.setattr(type(brokers["default"]), "outage", 3.21)
    response = get("/healthz/?ready")
    assert (response.status_code, response.json()["problems"]) == (503, {"broker": problem})
    assert get().json() == OK  # another server would not find the broker either
    monkeypatch.undo()
    assert get("/healthz/?ready").json() == OK


def test_it_needs_no_database(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With ATOMIC_REQUESTS, Django opens a transaction for other views."""
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    assert get().status_code == 200


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    views.gate.clear()
    yield views.gate
    views.gate.set()


def test_it_answers_while_all_threads_are_blocked(
    make_live: Callable[..., LiveServer], gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stallmonitor, "PERIOD", 0.02)
    live = make_live(threads=16, busy_threads_warning=0.1)

    def status(page: str) -> int:
        with live.client() as client:
            return client.get(page).status

    with ExitStack() as stack:
        assert status("/healthz/?ready") == 200
        for _ in range(20):
            stack.enter_context(live.client()).send("GET /blocked/ HTTP/1.1\nHost: testserver\n\n")
        eventually(lambda: live.server.pool.queued)
        eventually(lambda: status("/healthz/") == 503)
        assert status("/healthz/?ready") == 503
        gate.set()
        eventually(lambda: status("/healthz/?ready") == 200)


class Anywhere:
    """A URLconf with several health checks; only those with a fixed path are found."""

    urlpatterns: ClassVar = [
        path("up/", include("c10kws.health")),
        path("<slug:tenant>/up/", include("c10kws.health", "tenant")),
        path("internal/", include(([path("up", include("c10kws.health", "inner"))], "internal"))),
        re_path("^pattern/", include("c10kws.health", "pattern")),
        path("page/", views.page),
    ]


def test_threads_are_reserved_for_its_paths() -> None:
    assert server_options()["reserved_paths"] == ("/healthz/",)
    with override_settings(ROOT_URLCONF=Anywhere):
        assert find_paths() == ("/up/", "/internal/up")


def test_a_urlconf_that_cannot_be_imported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "c10kws")
    with override_settings(ROOT_URLCONF="tests.project.missing"):
        assert find_paths() == ()
    assert "Cannot look for the health check" in caplog.text
