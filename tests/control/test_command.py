"""``manage.py ws list|stats|close``."""

from __future__ import annotations

import io
import json
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from c10kws.control import operations, people
from c10kws.events import EventSocket
from c10kws.events.brokers.base import Broker
from c10kws.handlers.statistics import statistics
from c10kws.management.commands.ws import COLUMNS, table
from c10kws.measuring.garbage_pauses import garbage_pauses
from c10kws.measuring.gathering import Gatherer
from tests.support.accounts import cookies, logged_in
from tests.support.commands import Start, open_socket
from tests.support.networks import Elsewhere
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


def ws(*args: str) -> str:
    output = io.StringIO()
    call_command("ws", *args, stdout=output, stderr=output)
    return output.getvalue()


@pytest.mark.usefixtures("listening")
def test_list(live: LiveServer, chat: EventSocket) -> None:
    client = logged_in("ann")
    with (
        live.connect("/chat/", additional_headers=cookies(client)) as first,
        live.connect("/chat/"),
    ):
        first.send('{"event": "nothing"}')
        eventually(lambda: len(chat) == 2)
        eventually(lambda: ws("list", "--json").count('"received": 1') == 1)
        heading, row, _, end = ws("list").splitlines()
        assert heading.split()[:3] == ["id", "user", "address"]
        assert row.split()[1:3] == ["ann", "127.0.0.1"]
        assert row.endswith("/chat/  garden, kitchen")
        assert end == "2 of 2 connections."
        assert ws("list", "--limit", "1").splitlines()[-1] == "1 of 2 connections."
        assert ws("list", "--user", "ann").splitlines()[-1] == "1 of 1 connection."
        key = client.session["_auth_user_id"]
        assert ws("list", "--user", key).splitlines()[-1] == "1 of 1 connection."
        assert ws("list", "--endpoint", "/listed").splitlines()[-1] == "2 of 2 connections."
        assert ws("list", "--search", "elsewhere").splitlines()[-1] == "0 of 0 connections."
        rows = json.loads(ws("list", "--json"))
        assert rows[0]["rooms"] == ["garden", "kitchen"]


@pytest.mark.usefixtures("impatient")
def test_list_of_several_processes(live: LiveServer, listening: Path, network: Broker) -> None:
    with live.connect("/ws/echo/"):
        own = json.loads(ws("list", "--json"))
        heading, row, end = ws("list").splitlines()
        assert heading.split()[0] == "id" and end == "1 of 1 connection."
        other = {**own[0], "id": "b", "process": "web2:7", "age": 0.0}
        result = {"rows": [other], "total": 3, "endpoints": {}}
        Elsewhere(network, {"result": result, "problem": "Only 1 of 3 connections fit."})
        problem, heading, row, remote, end = ws("list").splitlines()
    assert problem == "Process web2:7: Only 1 of 3 connections fit."
    assert heading.split()[:2] == ["process", "id"]
    assert row.split()[:2] == [own[0]["process"], own[0]["id"]]
    assert remote.split()[:2] == ["web2:7", "b"]
    assert end == "2 of 4 connections."


@pytest.mark.usefixtures("listening")
def test_close(live: LiveServer) -> None:
    client = logged_in("ann")
    with ExitStack() as stack:
        own = cookies(client)
        anns = [
            stack.enter_context(live.connect("/ws/echo/", additional_headers=own)) for _ in "ab"
        ]
        others = [stack.enter_context(live.connect("/ws/collect/")) for _ in "ab"]
        eventually(lambda: "4 of 4" in ws("list"))
        with pytest.raises(CommandError, match="Choose connections by IDs"):
            ws("close")
        assert ws("close", "--user", "ann", "--reason", "enough") == "Closed 2 connections.\n"
        for each in anns:
            assert closed_with(each) == (1008, "enough")
        eventually(lambda: "2 of 2" in ws("list"))
        name = json.loads(ws("list", "--json"))[0]["id"]
        assert ws("close", name, "--code", "4000") == "Closed 1 connection.\n"
        assert closed_with(others[0])[0] == 4000
        assert ws("close", "--all") == "Closed 1 connection.\n"
        assert closed_with(others[1])[0] == 1008


@pytest.mark.usefixtures("listening")
def test_stats(live: LiveServer) -> None:
    with live.connect("/ws/echo/") as client:
        client.send("a")
        assert client.recv(WAIT) == "a"
        lines = ws("stats").splitlines()
        assert "connections ws/echo/: 1" in lines
        assert any(line.startswith("pool_threads c10kws: 16") for line in lines)
        values = json.loads(ws("stats", "--json"))["values"]
        assert [["ws/echo/"], 1] in values["c10kws_connections"]


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("measured", [True, False])
def test_stats_have_no_numbers_that_are_not_measured(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch, measured: bool
) -> None:
    monkeypatch.setattr(operations, "gatherer", Gatherer())
    monkeypatch.setattr(statistics, "detailed", measured)
    monkeypatch.setattr(garbage_pauses, "measuring", measured)
    with live.connect("/ws/echo/"):
        eventually(lambda: "connections ws/echo/: 1" in ws("stats"))
        assert ("bytes_received" in ws("stats")) is measured
        assert ("gc_pauses" in ws("stats")) is measured


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--limit", "0"], "must be a whole number above 0, not '0'"),
        (["list", "--limit", "-3"], "must be a whole number above 0, not '-3'"),
        (["close", "--all", "--code", "5"], "Close code 5 may not be sent"),
        (["close", "--all", "--reason", "x" * 124], "has room for 123 bytes"),
    ],
)
def test_wrong_arguments(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        ws(*arguments)


@pytest.mark.usefixtures("listening")
def test_the_database_is_not_needed(live: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    client = logged_in("ann")
    key = client.session["_auth_user_id"]
    with live.connect("/ws/echo/", additional_headers=cookies(client)):
        eventually(lambda: "ann" in ws("list"))
        monkeypatch.setattr(
            people, "_users", mock.Mock(side_effect=OperationalError("no database"))
        )
        lines = ws("list", "--user", key, "--search", "/ws/echo").splitlines()
        assert lines[0] == "Users are shown and found by primary key: no database"
        assert lines[2].split()[1] == key
        assert lines[-1] == "1 of 1 connection."


def test_columns_are_aligned() -> None:
    heading, short, long = table(
        [COLUMNS, [*("1", "ann", "::1"), "9 s", "5", *"0123", ""], ["2", "bob", *("12345",) * 8]]
    )
    assert heading.startswith("id  user  address    age  received")
    assert short.startswith("1   ann   ::1        9 s         5")
    assert long.startswith("2   bob   12345    12345     12345")


def test_nothing_is_running(runtime_dir: Path) -> None:
    with pytest.raises(CommandError, match="No server of this project was found"):
        ws("list")


def test_the_command_sees_another_process(start: Start, port: int) -> None:
    server = start("runtornado", str(port))
    server.wait_for(f"ws://127.0.0.1:{port}/")
    with open_socket(port) as client:
        client.send("hello")
        assert client.recv(WAIT) == "hello"
        listed = start("ws", "list")
        assert listed.wait() == 0
        assert "/ws/echo/" in listed.output and "1 of 1 connection." in listed.output
        closed = start("ws", "close", "--search", "echo")
        assert closed.wait() == 0
        assert closed_with(client)[0] == 1008
    assert "Traceback" not in server.output
