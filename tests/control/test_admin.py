"""The admin's page "Live connections"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import path

from c10kws.events import EventSocket, Socket
from c10kws.models import LiveConnection
from tests.project import views
from tests.support.accounts import cookies, logged_in
from tests.support.events import forget
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

URL = "/admin/c10kws/liveconnection/"
CLOSE = "Close selected connections"


@pytest.fixture
def chat(settings: Any) -> Iterator[EventSocket]:
    chat = EventSocket("/admired")

    @chat.on("open")
    async def join(socket: Socket) -> None:
        socket.join("kitchen")

    settings.ROOT_URLCONF = type(
        "urls",
        (),
        {
            "urlpatterns": [
                path("admin/", admin.site.urls),
                path("chat/", chat),
                path("echo/", views.echo),
            ]
        },
    )
    yield chat
    forget(chat)


def staff(*permissions: str) -> Client:
    """Return a client of a member of the staff with these permissions."""
    create_permissions(apps.get_app_config("c10kws"), verbosity=0)
    client = logged_in("chief")
    user = User.objects.get(username="chief")
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return client


def page(client: Client, query: str = "") -> str:
    response = client.get(URL + query)
    assert response.status_code == 200
    return response.content.decode()


def ids_in(html: str) -> list[str]:
    return re.findall(r'name="_selected_action" value="([^"]+)"', html)


@pytest.mark.usefixtures("listening", "chat")
def test_the_page_lists_searches_and_filters(live: LiveServer) -> None:
    client = staff("view_liveconnection", "delete_liveconnection")
    ann = logged_in("ann")
    with (
        live.connect("/chat/", additional_headers=cookies(ann)),
        live.connect("/echo/") as echo,
    ):
        echo.send("a")
        assert echo.recv(WAIT) == "a"
        eventually(lambda: "kitchen" in page(client))
        html = page(client)
        assert "2 of 2 connections" in html
        key = ann.session["_auth_user_id"]
        assert f'<a href="?user={key}">ann</a>' in html
        assert "/chat/" in html and "127.0.0.1" in html
        assert len(ids_in(html)) == 2
        for query in (f"?user={key}", "?q=CHAT", "?endpoint=/admired"):
            assert "1 of 1 connections" in page(client, query)
        for column in ("user", "-latency", "rooms", "nonsense", "-queued"):
            assert "2 of 2 connections" in page(client, f"?o={column}")
        assert "Live connections" in client.get("/admin/").content.decode()


@pytest.mark.usefixtures("listening", "chat")
def test_selected_connections_and_those_of_a_user_are_closed(live: LiveServer) -> None:
    client = staff("view_liveconnection", "delete_liveconnection")
    own = cookies(logged_in("ann"))
    with (
        live.connect("/echo/") as anonymous,
        live.connect("/echo/", additional_headers=own) as first,
        live.connect("/echo/", additional_headers=own) as second,
    ):
        eventually(lambda: "3 of 3" in page(client))
        found = ids_in(page(client, "?o=-age"))
        data = {"action": "close", "_selected_action": found[0]}
        assert "Closed 1 connections." in client.post(URL, data, follow=True).content.decode()
        assert closed_with(anonymous) == (1008, "closed by an administrator")
        data = {"action": "close_users", "_selected_action": found[1]}
        assert "Closed 2 connections." in client.post(URL, data, follow=True).content.decode()
        assert closed_with(first)[0] == closed_with(second)[0] == 1008


@pytest.mark.usefixtures("listening", "chat")
def test_permissions_are_those_of_django(live: LiveServer) -> None:
    client = staff()
    assert client.get(URL).status_code == 403
    User.objects.all().delete()
    client = staff("view_liveconnection")
    with live.connect("/echo/") as echo:
        eventually(lambda: "1 of 1" in page(client))
        assert CLOSE not in page(client)
        assert client.post(URL, {"action": "close"}).status_code == 403
        echo.send("a")
        assert echo.recv(WAIT) == "a"
    assert Client().get(URL).status_code == 302


@pytest.mark.usefixtures("listening", "chat", "db")
def test_an_unsafe_directory_is_a_message(runtime_dir: Any) -> None:
    from c10kws.control.directory import directory_path

    directory_path().mkdir()
    directory_path().chmod(0o755)
    assert "mode 700" in page(staff("view_liveconnection"))


@pytest.mark.django_db
def test_the_model_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(LiveConnection.objects.all()) == []
    call_command("dumpdata", "c10kws")
    call_command("dumpdata", "c10kws", "--all")
    assert "[]" in capsys.readouterr().out
    call_command("makemigrations", "--dry-run")
    assert "c10kws" not in capsys.readouterr().out
