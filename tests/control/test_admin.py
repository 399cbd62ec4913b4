"""The admin's page "Live connections"."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client

from c10kws.admin import LiveConnectionAdmin
from c10kws.admin.changelist import Rows
from c10kws.control.people import names_of
from c10kws.models import LiveConnection
from c10kws.runtime_directory import directory_path
from tests.support.accounts import cookies, logged_in
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

URL = "/admin/c10kws/liveconnection/"
CLOSE = "Close selected connections"


def staff(*permissions: str) -> Client:
    """Return a client of a member of the staff with these permissions."""
    create_permissions(apps.get_app_config("c10kws"), verbosity=0)
    client = logged_in("chief")
    user = User.objects.get(username="chief")
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return client


def closer() -> Client:
    """Return a client that may see and close connections."""
    return staff("view_liveconnection", "delete_liveconnection")


def page(client: Client, query: str = "") -> str:
    response = client.get(URL + query)
    assert response.status_code == 200
    return response.content.decode()


def count(html: str) -> int:
    """Return the number of connections below the list."""
    found = re.search(r"(\d+)\s+live connection", html)
    assert found
    return int(found[1])


def ids_in(html: str) -> list[str]:
    return re.findall(r'name="_selected_action" value="([^"]+)"', html)


def run(client: Client, action: str, *ids: str, **data: str) -> str:
    """Run an action, and return the page that follows."""
    data = {"action": action, "index": "0", "_selected_action": list(ids)} | data
    response = client.post(URL, data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.usefixtures("listening", "chat")
def test_the_page_lists_searches_and_filters(live: LiveServer) -> None:
    client = closer()
    ann = logged_in("ann")
    with (
        live.connect("/chat/", additional_headers=cookies(ann)),
        live.connect("/echo/") as echo,
    ):
        echo.send("a")
        assert echo.recv(WAIT) == "a"
        eventually(lambda: "kitchen" in page(client))
        html = page(client)
        assert count(html) == 2
        key = ann.session["_auth_user_id"]
        assert f'<a href="?user={key}">ann</a>' in html
        assert "/chat/" in html and "127.0.0.1" in html
        assert "/listed (1)" in html and "echo/ (1)" in html
        assert "<strong>chief</strong>" in html
        assert len(ids_in(html)) == 2
        for query in (
            *(f"?user={key}", "?q=CHAT", "?q=An", "?q=kitch", "?endpoint=/listed"),
            *("?login=yes", "?login=no", f"?q={key}&endpoint=/listed&user={key}&login=yes"),
        ):
            html = page(client, query)
            assert count(html) == 1 and "2 total" in html
            assert "/listed" in html and "echo/" in html
        for query in ("?q=nothing", "?endpoint=old", "?user=old", f"?user={key}&login=no"):
            assert count(page(client, query)) == 0
        for column in ("1", "-1", "8.-9", "nonsense", "77"):
            assert count(page(client, f"?o={column}")) == 2
        assert client.get(f"{URL}?path=/echo/").headers["Location"] == f"{URL}?e=1"
        assert "Live connections" in client.get("/admin/").content.decode()


@pytest.mark.usefixtures("listening", "chat")
def test_pages(live: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveConnectionAdmin, "list_per_page", 1)
    monkeypatch.setattr("c10kws.admin.BATCH", 1)
    client = closer()
    with live.connect("/echo/"), live.connect("/chat/"):
        eventually(lambda: count(page(client)) == 2)
        first, second, both = (ids_in(page(client, query)) for query in ("", "?p=2", "?all="))
        assert len(first) == len(second) == 1
        assert first + second == both
        everything = run(client, "close_selected", *first, select_across="1")
        assert "Closed 2 connections." in everything


@pytest.mark.usefixtures("listening", "chat")
def test_selected_connections_and_those_of_a_user_are_closed(live: LiveServer) -> None:
    client = closer()
    own = cookies(logged_in("ann"))
    with (
        live.connect("/echo/") as anonymous,
        live.connect("/echo/", additional_headers=own) as first,
        live.connect("/echo/", additional_headers=own) as second,
    ):
        eventually(lambda: count(page(client)) == 3)
        found = ids_in(page(client))
        assert "have no user" in run(client, "close_users", found[0])
        assert "Closed 1 connection." in run(client, "close_selected", found[0])
        assert closed_with(anonymous) == (1008, "closed by an administrator")
        eventually(lambda: count(page(client)) == 2)
        assert "already been closed" in run(client, "close_selected", found[0])
        assert "Closed 2 connections." in run(client, "close_users", found[1])
        assert closed_with(first)[0] == closed_with(second)[0] == 1008
        entries = LogEntry.objects.order_by("id")
        assert [each.object_repr for each in entries] == ["127.0.0.1 /echo/", "ann /echo/"]
        assert {each.action_flag for each in entries} == {DELETION}
        assert "ann /echo/" in client.get("/admin/").content.decode()


@pytest.mark.usefixtures("listening", "chat")
def test_permissions_are_those_of_django(live: LiveServer) -> None:
    client = staff()
    assert client.get(URL).status_code == 403
    User.objects.all().delete()
    client = staff("view_liveconnection")
    with live.connect("/echo/") as echo:
        eventually(lambda: count(page(client)) == 1)
        assert CLOSE not in page(client)
        assert "Closed" not in run(client, "close_selected", "a", select_across="1")
        echo.send("a")
        assert echo.recv(WAIT) == "a"
    User.objects.all().delete()
    assert staff("delete_liveconnection").get(URL).status_code == 403
    assert Client().get(URL).status_code == 302


@pytest.mark.usefixtures("listening", "chat", "db")
def test_an_unsafe_directory_is_a_message() -> None:
    directory_path().mkdir()
    directory_path().chmod(0o755)
    assert "mode 700" in page(staff("view_liveconnection"))


@pytest.mark.usefixtures("runtime_dir", "chat", "db")
def test_no_running_server_is_a_message() -> None:
    assert "No server of this project was found" in page(staff("view_liveconnection"))


def test_rows_are_sorted_with_none_first() -> None:
    rows = Rows(
        LiveConnection(id=name, username=user, latency=latency)
        for name, user, latency in (("a", "Bob", 2.0), ("b", None, None), ("c", "ann", 2.0))
    )
    assert [row.id for row in rows.order_by("username")] == ["b", "c", "a"]
    assert [row.id for row in rows.order_by("-latency", "username")] == ["c", "a", "b"]
    assert [row.id for row in rows.order_by("-pk")] == ["c", "b", "a"]


@pytest.mark.django_db
def test_names_of_keys_that_no_user_can_have() -> None:
    ann = User.objects.create_user("ann")
    assert names_of([str(ann.pk), "ann", "99"]) == {str(ann.pk): "ann"}


@pytest.mark.django_db
def test_the_model_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(LiveConnection.objects.all()) == []
    call_command("dumpdata", "c10kws")
    call_command("dumpdata", "c10kws", "--all")
    assert "[]" in capsys.readouterr().out
    call_command("makemigrations", "--dry-run")
    assert "c10kws" not in capsys.readouterr().out
