"""Fixtures of these tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.urls import path

from c10kws.control import asking, question
from c10kws.control import listener as module
from c10kws.events import EventSocket, Socket
from c10kws.events.brokers.base import Broker
from c10kws.events.brokers.registry import brokers
from c10kws.handlers import servers as servers_module
from tests.project import views
from tests.support.events import forget
from tests.support.networks import NETWORK


@pytest.fixture
def runtime_dir(settings: Any) -> Iterator[Path]:
    """A short folder: the path of a socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="c10") as folder:
        settings.C10KWS = {"RUNTIME_DIR": folder}
        yield Path(folder)


@pytest.fixture
def listening(runtime_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Servers of this test listen for requests of other processes; return the folder."""
    listener = module.Listener()
    monkeypatch.setattr(servers_module.servers, "_observers", [listener])
    return runtime_dir


@pytest.fixture
def network(runtime_dir: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """A broker that reaches other machines."""
    settings.C10KWS = {**settings.C10KWS, "BROKERS": NETWORK}
    monkeypatch.setattr(brokers, "real", True)
    brokers.forget()
    yield brokers["default"]
    brokers.forget()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes have little time to answer."""
    monkeypatch.setattr(question, "ACKNOWLEDGE_TIMEOUT", 0.05)
    monkeypatch.setattr(asking, "DEADLINE", 0.1)


@pytest.fixture
def chat(settings: Any) -> Iterator[EventSocket]:
    """An EventSocket with two rooms, in a URLconf with the admin and an echo."""
    chat = EventSocket("/listed")

    @chat.on("open")
    async def join(socket: Socket) -> None:
        socket.join("kitchen")
        socket.join("garden")

    urlpatterns = [
        path("admin/", admin.site.urls),
        path("chat/", chat),
        path("echo/", views.echo),
    ]
    settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": urlpatterns})
    yield chat
    forget(chat)
