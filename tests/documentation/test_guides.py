"""The code of the how-to guides, where it can run alone."""

from __future__ import annotations

import io
import json
import logging.config
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import override_settings
from django.urls import path
from django.utils.module_loading import import_string

from c10kws import asynchronous, conf, websocket
from c10kws.checks.settings import check_settings
from c10kws.events import BrokerUnavailable, Emission, EventError, EventSocket, paths
from c10kws.signals import websocket_disconnected
from c10kws.test import TestCase
from tests.documentation.pages import Block, read
from tests.support.shell import ROOT

FOLDER = ROOT / "docs" / "how-to"


def python(name: str) -> list[Block]:
    """Return the Python of a guide."""
    steps = read(FOLDER / f"{name}.rst")
    return [step for step in steps if isinstance(step, Block) and step.language == "python"]


class GuideTests(TestCase):
    """A test runs blocks as modules of a package, and their views at URLs."""

    def setUp(self) -> None:
        before = set(paths.endpoints())
        self.addCleanup(
            lambda: [paths.remove(each) for each in set(paths.endpoints()) - before]  # type: ignore[arg-type]
        )

    def run_block(self, block: Block, **names: Any) -> SimpleNamespace:
        """Execute a block with names that the page takes for granted; return all its names."""
        code = re.sub(r"from \.+sockets import chat\n", "", block.text)
        scope: dict[str, Any] = {"__name__": "guide", **names}
        exec(compile(code, block.file or "guide", "exec"), scope)
        return SimpleNamespace(**scope)

    def serve(self, **views: Any) -> None:
        """Put views into the URLconf, each at its name."""
        urls = ModuleType("urls_of_a_guide")
        urls.urlpatterns = [path(f"{name}/", view) for name, view in views.items()]  # type: ignore[attr-defined]
        settings = override_settings(ROOT_URLCONF=urls)
        settings.enable()
        self.addCleanup(settings.disable)


class LongPollTests(GuideTests):
    def test_a_poll_is_answered(self) -> None:
        (block,) = [each for each in python("long-polling") if "waiting = set()" in each.text]
        guide = self.run_block(block)
        self.serve(receive=guide.receive, send=guide.send)
        poll = self.client.poll("/receive/", {"since": 0})
        assert not poll.done()
        self.client.post("/send/", {"text": "Hello!"})
        answer = {"messages": ["Hello!"], "next": 1}
        assert poll.result().json() == answer
        assert self.client.poll("/receive/").result().json() == answer
        self.client.poll("/receive/", {"since": 1}).leave()
        self.client.poll("/receive/", {"since": 1}).leave()
        assert guide.waiting == set()

    def test_a_room_is_followed(self) -> None:
        sockets, views = python("long-polling")[:2]
        guide = self.run_block(views, chat=self.run_block(sockets).chat)
        self.serve(**{"receive/<room>": guide.receive, "send/<room>": guide.send})
        assert self.client.poll("/receive/tea/").result().status_code == 302
        self.client.force_login(User.objects.create_user("ann"))
        since = self.client.poll("/receive/tea/").result().json()["position"]
        poll = self.client.poll("/receive/tea/", {"since": since})
        assert not poll.done()
        self.client.post("/send/tea/", {"text": "Hello!"})
        said = {"event": "said", "data": {"text": "Hello!"}}
        assert poll.result().json()["events"] == [said]

    def test_a_room_is_streamed(self) -> None:
        chat = EventSocket("/guide", history={"tea": {"size": 9, "ttl": 60}})
        guide = self.run_block(python("server-sent-events")[1], chat=chat)
        streams: list[Any] = []

        @asynchronous
        async def read(request: HttpRequest, handler: object) -> HttpResponse:
            """Return what the stream sends up to its next position."""
            streams[:] = streams or [aiter(guide.room(request))]
            parts = [await anext(streams[0])]
            while not parts[-1].startswith(b"id: "):
                parts.append(await anext(streams[0]))
            return HttpResponse(b"".join(parts))

        def get(**headers: str) -> str:
            text: str = self.client.poll("/read/", headers=headers).result().content.decode()
            return text

        self.serve(read=read, chat=chat)
        with self.client.websocket("/chat/"):  # the streams live as long as the event loop
            start = get().strip().removeprefix("id: ")
            poll = self.client.poll("/read/")
            assert not poll.done()
            chat.to("tea").emit("said", {"text": "Hello!"})
            said = poll.result().content.decode()
            event = 'event: said\ndata: {"text": "Hello!"}\n\n'
            assert said == f"{event}id: {start[:-1]}1\n\n"
            streams.clear()
            assert get(**{"Last-Event-ID": start}) == said
            streams.clear()
            assert get(**{"Last-Event-ID": "old:3"}).startswith("event: reset\n")


class HistoryTests(GuideTests):
    def test_a_client_comes_back(self) -> None:
        setting, sockets, _, tests = python("histories")
        with override_settings(C10KWS=self.run_block(setting).C10KWS):
            assert check_settings(None) == []
        chat = self.run_block(sockets).chat
        self.serve(**{"ws/chat": chat})
        text = tests.text.replace("from .sockets import chat\n", "")
        scope: dict[str, Any] = {"__name__": "guide", "chat": chat}
        exec(compile(text, "guide", "exec"), scope)
        case = scope["ChatTests"]("test_a_client_comes_back")
        case.client = self.client
        case.test_a_client_comes_back()

    def test_a_page_is_rendered_at_a_position(self) -> None:
        (views,) = [each for each in python("histories") if ".position()" in each.text]
        rows = SimpleNamespace(order_by=lambda _: ["a message"])
        block = replace(views, text=views.text.replace("from .models import Message\n", ""))
        chat = EventSocket("/guide", history={"tea": {"size": 9, "ttl": 60}})
        guide = self.run_block(block, chat=chat, Message=SimpleNamespace(objects=rows))
        self.serve(page=guide.page, chat=chat)
        guide.page.__globals__["render"] = lambda request, name, context: JsonResponse(context)
        rendered = self.client.get("/page/").json()
        assert rendered == {"position": chat.to("tea").position(), "messages": ["a message"]}


class SendTests(GuideTests):
    def test_a_plain_view_broadcasts(self) -> None:
        guide = self.run_block(python("send")[1], HttpResponse=HttpResponse)
        self.serve(news=guide.news, publish=guide.publish)
        with self.client.websocket("/news/") as ws:
            self.client.get("/publish/")
            assert ws.read_message() == "There is news."
        assert guide.readers == set()

    def test_a_thread_is_started_once(self) -> None:
        guide = self.run_block(python("send")[2])
        self.serve(clock=guide.clock)
        guide.open.__globals__["tick"] = lambda: guide.clock.emit("time")
        with self.client.websocket("/clock/") as first, self.client.websocket("/clock/") as second:
            first.expect("time")
            second.expect_nothing()

    def test_a_task_a_command_and_a_shell_reach_the_clients(self) -> None:
        chat = EventSocket("/guide")
        chat.on("open")(lambda socket: socket.join("tea"))
        self.serve(chat=chat)
        plain = {"celery": "shared_task", "django.tasks": "task"}
        modules = {name: ModuleType(name) for name in plain}
        for name, decorator in plain.items():
            setattr(modules[name], decorator, lambda function: function)
        with mock.patch.dict(sys.modules, modules), self.client.websocket("/chat/") as ws:
            celery, django, command = [
                self.run_block(block, chat=chat)
                for block in python("send")
                if "announced" in block.text
            ]
            for announce in (celery.announce, django.announce):
                announce("tea", "Hello!")
                assert ws.expect("announced") == {"text": "Hello!"}
            call_command(command.Command(), "tea", "Good night!")
            assert ws.expect("announced") == {"text": "Good night!"}
            (shell,) = [
                step
                for step in read(FOLDER / "send.rst")
                if isinstance(step, Block) and step.language == "pycon"
            ]
            exec(shell.text.splitlines()[1].removeprefix(">>> "), {"chat": chat})
            assert ws.expect("announced") == {"text": "Hello!"}


class BrokerTests(GuideTests):
    def test_the_settings_are_valid(self) -> None:
        found = [
            block
            for name in ("send", "several-processes", "redis")
            for block in python(name)
            if "C10KWS = {" in block.text
        ]
        assert len(found) == 7
        for block in found:
            with override_settings(C10KWS=self.run_block(block).C10KWS):
                assert check_settings(None) == []
                for alias, configuration in conf.current().brokers.items():
                    import_string(configuration["BACKEND"])(alias, configuration)

    def test_two_windows(self) -> None:
        guide = self.run_block(python("several-processes")[0])
        self.serve(chat=guide.chat)
        with self.client.websocket("/chat/") as one, self.client.websocket("/chat/") as two:
            assert one.request("which") == {"process": os.getpid()}
            one.emit("say", {"text": "Hello!"})
            assert one.expect("said") == two.expect("said") == {"text": "Hello!"}

    def test_the_others_are_told(self) -> None:
        chat = EventSocket("/guide")
        chat.on("open")(lambda socket: socket.join("tea"))
        (block,) = [each for each in python("several-processes") if "exclude" in each.text]
        self.run_block(block, chat=chat)
        self.serve(chat=chat)
        with self.client.websocket("/chat/") as one, self.client.websocket("/chat/") as two:
            one.emit("say", {"text": "Hello!"})
            assert two.expect("said") == {"text": "Hello!"}
            one.expect_nothing()

    def test_all_clients_of_a_user(self) -> None:
        chat = EventSocket("/guide")
        (block,) = [each for each in python("several-processes") if "user-" in each.text]
        guide = self.run_block(block, chat=chat)
        self.serve(chat=chat)
        ann = User.objects.create_user("ann")
        with self.client.websocket("/chat/") as stranger:
            self.client.force_login(ann)
            with self.client.websocket("/chat/") as one, self.client.websocket("/chat/") as two:
                guide.tell(ann, "Hello!")
                assert one.expect("told") == two.expect("told") == {"text": "Hello!"}
            stranger.expect_nothing()

    def test_a_lost_broker(self) -> None:
        chat = EventSocket("/guide")
        (block,) = [each for each in python("several-processes") if "await chat.emit" in each.text]
        self.run_block(block, chat=chat)
        self.serve(chat=chat)
        with self.client.websocket("/chat/") as ws:
            assert ws.request("say", {"text": "Hello!"}) == {"sent": True}
            ws.expect("said")
            lost = Emission()
            lost.fail(BrokerUnavailable("default", "it has not accepted the event within 5 s"))
            with mock.patch.object(chat.emitter, "emit", return_value=lost):
                assert ws.request("say", {"text": "Hello!"}) == {"sent": False}


class ProgressTests(GuideTests):
    def test_a_job(self) -> None:
        rows: list[int] = []
        guide = self.run_block(python("progress")[0], import_row=rows.append)
        self.serve(bar=guide.bar)
        with self.client.websocket("/bar/") as ws:
            ws.emit("begin")
            while ws.receive_event()["event"] != "done":
                pass
        assert rows == list(range(100))


class AuthenticationTests(GuideTests):
    def test_a_token(self) -> None:
        class Token:
            """A model that has one row."""

            objects = SimpleNamespace(
                filter=lambda key: SimpleNamespace(
                    select_related=lambda _: SimpleNamespace(
                        first=lambda: SimpleNamespace(user=ann) if key == "right" else None
                    )
                )
            )

        ann = User.objects.create_user("ann")
        (block,) = [each for each in python("authenticate") if "token_required" in each.text]
        self.serve(prices=self.run_block(block, Token=Token, websocket=websocket).prices)
        headers = {"Authorization": "Bearer right"}
        with self.client.websocket("/prices/", headers=headers) as ws:
            assert ws.read_message() == "Hello ann"
        refused = self.client.websocket("/prices/", headers={"Authorization": "Bearer wrong"})
        assert refused.response.status_code == 403

    def test_a_logout_closes_the_sockets(self) -> None:
        chat = EventSocket("/guide")
        (block,) = [each for each in python("authenticate") if "user_logged_out" in each.text]
        guide = self.run_block(block, chat=chat)
        self.addCleanup(user_logged_out.disconnect, guide.close_sockets)
        self.serve(chat=chat)
        self.client.force_login(User.objects.create_user("ann"))
        with self.client.websocket("/chat/") as ws:
            self.client.logout()
            assert ws.expect_close() == (4401, "logged out")


class LimitTests(GuideTests):
    def test_too_many_messages(self) -> None:
        (block,) = [each for each in python("limits") if "PER_MINUTE" in each.text]
        guide = self.run_block(block)
        self.serve(chat=guide.chat)
        with self.client.websocket("/chat/") as ws:
            for _ in range(guide.PER_MINUTE):
                ws.request("say", {"text": "Hello!"})
            with self.assertRaisesMessage(AssertionError, "Slow down, please."):
                ws.request("say", {"text": "Hello!"})

    def test_too_many_windows(self) -> None:
        chat = EventSocket("/guide")
        (block,) = [each for each in python("limits") if "Too many windows." in each.text]
        self.run_block(block, chat=chat, EventError=EventError)
        self.serve(chat=chat)
        self.client.force_login(User.objects.create_user("ann"))
        with ExitStack() as stack:
            for _ in range(5):
                stack.enter_context(self.client.websocket("/chat/"))
            with self.client.websocket("/chat/") as sixth:
                assert sixth.expect_close() == (4403, "Too many windows.")


class MonitorTests(GuideTests):
    def test_a_receiver_uses_the_orm(self) -> None:
        receive = self.run_block(python("monitor")[0]).save_last_seen
        self.addCleanup(websocket_disconnected.disconnect, receive)
        user = User.objects.create_user("ann")
        self.client.force_login(user)
        self.serve(clock=quiet)
        with self.client.websocket("/clock/"):
            user.refresh_from_db()
            before = user.last_login
        user.refresh_from_db()
        assert before is not None and user.last_login is not None
        assert user.last_login > before

    def test_lines_are_json(self) -> None:
        formatter, settings = python("monitor")[1:3]
        module = ModuleType("logs")
        exec(compile(formatter.text, "logs", "exec"), module.__dict__)
        config = self.run_block(settings).LOGGING
        output = io.StringIO()
        config["handlers"]["json"]["stream"] = output
        with mock.patch.dict(sys.modules, {"logs": module}), own_logging(config):
            self.serve(clock=quiet, failing=failing)
            with self.client.websocket("/clock/") as ws:
                ws.close(3000)
            with self.client.websocket("/failing/"):
                pass
        lines = [json.loads(line) for line in output.getvalue().splitlines()]
        closed = next(line for line in lines if line["logger"] == "c10kws.access")
        assert (closed["path"], closed["close_code"], closed["user_id"]) == ("/clock/", 3000, None)
        assert closed["endpoint"] == "clock/" and closed["duration"] > 0
        failed = next(line for line in lines if "exception" in line)
        assert failed["path"] == "/failing/" and "LookupError" in failed["exception"]


class MetricsTests(GuideTests):
    @override_settings(METRICS_TOKEN="a secret")
    def test_metrics_may_need_a_token(self) -> None:
        for guide in map(self.run_block, python("monitor")[3:5]):
            urls = ModuleType("urls_of_a_guide")
            urls.urlpatterns = guide.urlpatterns  # type: ignore[attr-defined]
            with override_settings(ROOT_URLCONF=urls):
                secret = {"Authorization": "Bearer a secret"}
                response = self.client.get("/metrics/", headers=secret)
                assert b"c10kws_connections" in response.content
                other = self.client.get("/metrics/", headers={"Authorization": "Bearer other"})
                assert other.status_code == (401 if hasattr(guide, "with_token") else 200)


@websocket
async def quiet(ws: Any) -> None:
    await ws.wait_closed()


@websocket
async def failing(ws: Any) -> None:
    raise LookupError


@contextmanager
def own_logging(config: dict[str, Any]) -> Iterator[None]:
    """Configure the loggers, and undo it."""
    loggers = [logging.getLogger(name) for name in config["loggers"]]
    before = [(each, each.handlers[:], each.level, each.propagate) for each in loggers]
    logging.config.dictConfig({**config, "incremental": False})
    try:
        yield
    finally:
        for logger, handlers, level, propagate in before:
            logger.handlers[:] = handlers
            logger.setLevel(level)
            logger.propagate = propagate
