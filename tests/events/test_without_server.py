"""Emitting in a process that is not serving: commands, shells, tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from c10kws.compat.tornado_websockets.modules.progress_bar import ProgressBar as OldBar
from c10kws.compat.tornado_websockets.websocket import WebSocket
from c10kws.events import EmitHandlerError, EventSocket, ProgressBar, paths
from c10kws.test import without_server
from tests.support.events import Connect, Make
from tests.support.shell import ROOT

LOADDATA = """
import json, sys
import django
django.setup()
from django.core.management import call_command
from django.db.models.signals import post_save
from c10kws.events import EventSocket
from tests.project.models import Row

chat = EventSocket("/chat")
other = EventSocket("/other")

def tell(instance, **kwargs):
    chat.emit("saved", {"number": instance.number})
    chat.to("rows").emit("saved", {"number": instance.number})
    other.emit("saved")

post_save.connect(tell, sender=Row)
call_command("migrate", verbosity=0)
call_command("loaddata", sys.argv[1], verbosity=0)
print(json.dumps(list(Row.objects.values_list("number", flat=True))))
"""


@pytest.fixture(autouse=True)
def nothing_serves() -> Iterator[None]:
    """Hide the servers of other tests in this process."""
    with without_server():
        yield


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "c10kws.events"]


def test_loaddata_with_a_signal_that_emits(tmp_path: Path) -> None:
    rows = [{"model": "project.row", "pk": n, "fields": {"number": n}} for n in (1, 2, 3)]
    fixture = tmp_path / "rows.json"
    fixture.write_text(json.dumps(rows))
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.project.settings",
        "C10KWS_TEST_DATABASE": str(tmp_path / "db.sqlite3"),
    }
    ran = subprocess.run(
        [sys.executable, "-c", LOADDATA, str(fixture)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [1, 2, 3]
    assert ran.stderr.count("this process is not serving") == 2  # one line for each endpoint
    assert "Cannot emit 'saved' on '/chat'" in ran.stderr


def test_by_default_the_first_emit_of_an_endpoint_warns(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    chat, other = make("/alone"), make("/other")
    for _ in range(3):
        chat.emit("news")
        chat.to("room").emit("news", {"n": 1})
        other.emit("news")
    first, second = lines(caplog)
    assert first.startswith("Cannot emit 'news' on '/alone': this process is not serving")
    assert "EMIT_WITHOUT_SERVER" in first
    assert "'/other'" in second
    assert (chat.delivered, chat.dropped) == (0, 0)
    with pytest.raises(TypeError):  # invalid data raises in every process
        chat.emit("news", {"what": object()})


def test_drop_is_silent(make: Make, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.C10KWS = {"EMIT_WITHOUT_SERVER": "drop"}
    chat = make("/alone")
    chat.emit("news")
    chat.to("room").emit("news")
    assert lines(caplog) == []


@pytest.mark.django_db
def test_nothing_waits_for_a_commit(make: Make, settings: Any) -> None:
    settings.C10KWS = {"EMIT_WITHOUT_SERVER": "drop"}
    chat = make("/alone")
    with transaction.atomic():
        chat.emit("news")
        chat.to("room").emit("news")
        assert connection.run_on_commit == []


def test_raise_raises(make: Make, settings: Any) -> None:
    settings.C10KWS = {"EMIT_WITHOUT_SERVER": "raise"}
    chat = make("/alone")
    for emit in (chat.emit, chat.to("room").emit):
        with pytest.raises(EmitHandlerError, match="'news' on '/alone'") as error:
            emit("news")
        assert (error.value.event, error.value.path) == ("news", "/alone")


def test_a_bar_counts_in_a_process_that_is_not_serving(
    make_bar: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bar = make_bar("/alone", max=3)
    for _ in range(3):
        bar.tick()
    assert bar.is_done()
    assert len(lines(caplog)) == 1
    bar.reset()
    assert bar.value == 0


@pytest.mark.parametrize("setting", ["warn", "drop", "raise"])
def test_the_ancestors_classes_raise_whatever_the_setting(settings: Any, setting: str) -> None:
    settings.C10KWS = {"EMIT_WITHOUT_SERVER": setting}
    made: list[EventSocket] = [WebSocket("/old"), OldBar("/old")]
    try:
        for endpoint in made:
            with pytest.raises(EmitHandlerError):
                endpoint.emit("news")
        assert isinstance(made[1], ProgressBar)
        with pytest.raises(EmitHandlerError):
            made[1].tick()
    finally:
        for endpoint in made:
            paths.remove(endpoint)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_child_of_a_server_is_not_serving(
    chat: EventSocket, connect: Connect, settings: Any
) -> None:
    settings.C10KWS = {"EMIT_WITHOUT_SERVER": "raise"}

    @chat.on
    def fork() -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 3.12 warns of threads
            child = os.fork()
        if not child:
            try:
                chat.emit("news")
            except EmitHandlerError:
                os._exit(7)
            finally:
                os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    with connect() as client:
        assert client.ask("fork") == 7
        chat.emit("news")
        client.expect("news")
