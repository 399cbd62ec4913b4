"""Views for the tests: well-behaved ones first, then the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.views import View

from c10kws import ConnectionClosed, WebSocket, websocket
from tests.project.models import Row


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page")


def large(request: HttpRequest) -> HttpResponse:
    """Ask the database, then answer with more than the kernel takes for a client."""
    return HttpResponse(f"{Row.objects.count()}".encode() + bytes(8 * 1024 * 1024))


@websocket
async def echo(ws: WebSocket) -> None:
    while True:
        await ws.write_message(await ws.read_message())


@websocket
async def iterate(ws: WebSocket) -> None:
    async for message in ws:
        await ws.send(message)


@websocket
async def greet(ws: WebSocket, name: str, times: int = 1) -> None:
    for _ in range(times):
        await ws.write_message(f"Hello {name}!")


@websocket(subprotocols=["v2.example", "v1.example"])
async def subprotocol(ws: WebSocket) -> None:
    await ws.write_message(str(ws.subprotocol))


@websocket(origins=["https://partner.example", "https://*.wild.example"])
async def partners(ws: WebSocket) -> None:
    await ws.write_message("welcome")


@websocket(origins="*")
async def everybody(ws: WebSocket) -> None:
    await ws.write_message("welcome")


@websocket
async def whoami(ws: WebSocket) -> None:
    await ws.write_message(ws.user.get_username() or "anonymous")


@websocket(load_user=False)
async def anonymous(ws: WebSocket) -> None:
    await ws.write_message(str(hasattr(ws, "user")))


@login_required
@websocket
async def members(ws: WebSocket) -> None:
    await ws.write_message(ws.user.get_username())


@permission_required("project.view_row")
@websocket
async def permitted_or_login(ws: WebSocket) -> None:
    await ws.write_message("permitted")


@permission_required("project.view_row", raise_exception=True)
@websocket
async def permitted(ws: WebSocket) -> None:
    await ws.write_message("permitted")


class Method(View):
    greeting = "method"

    @websocket
    async def get(self, ws: WebSocket, name: str) -> None:
        await ws.write_message(f"{self.greeting} {name} {ws.request.path}")


class DecoratedMethod(View):
    @method_decorator(websocket)
    async def get(self, ws: WebSocket, name: str) -> None:
        await ws.write_message(f"decorated method {name} {ws.user.get_username()!r}")


@method_decorator(websocket, name="get")
class DecoratedClass(View):
    async def get(self, ws: WebSocket, name: str) -> None:
        await ws.write_message(f"decorated class {name}")


@websocket
async def locale(ws: WebSocket) -> None:
    def in_thread() -> str:
        return f"{translation.get_language()} {timezone.get_current_timezone_name()}"

    await ws.write_message(in_thread())
    await ws.write_message(await sync_to_async(in_thread)())


class Failure(Exception):
    pass


@websocket
async def failing(ws: WebSocket) -> None:
    await ws.read_message()
    raise Failure("as told")


class Panic(BaseException):
    """An exception like the panic of a binding to another language."""


ERRORS: dict[str, BaseException] = {
    "exit": SystemExit(1),
    "interrupt": KeyboardInterrupt(),
    "generator": GeneratorExit(),
    "cancelled": asyncio.CancelledError(),
    "panic": Panic("explicit panic"),
}


def raise_error(name: str) -> None:
    raise ERRORS[name].with_traceback(None)


@websocket
async def raising(ws: WebSocket, where: str, name: str) -> None:
    if where == "thread":
        await sync_to_async(raise_error)(name)
    elif where == "stream":
        await ws.write_message(raising_parts(name))
    elif where == "group":
        async with asyncio.TaskGroup() as group:
            group.create_task(ws.read_message())
            raise_error(name)
    else:
        raise_error(name)


async def raising_parts(name: str) -> AsyncIterator[str]:
    yield "first"
    raise_error(name)


@websocket
async def in_a_group(ws: WebSocket) -> None:
    """The connection's end arrives inside an ExceptionGroup."""

    async def read() -> None:
        while True:
            await ws.read_message()

    async with asyncio.TaskGroup() as group:
        group.create_task(read())


@websocket
async def foreign_end(ws: WebSocket) -> None:
    """The end of another connection is an error of this one."""
    await ws.read_message()
    raise ConnectionClosed(1000, "", None)


@websocket
async def closing(ws: WebSocket, code: int) -> None:
    await ws.close(code, "as asked")


@websocket
async def from_a_thread(ws: WebSocket) -> None:
    """Write from a thread, a message for each line of the order, and close."""
    count = int(await ws.read_message())

    def write() -> None:
        for number in range(count):
            ws.write_message(str(number))
        ws.close(4000, "done")

    threading.Thread(target=write).start()
    await ws.wait_closed()


@websocket
async def opcodes(ws: WebSocket) -> None:
    ws.write_message("text", opcode=2)
    ws.write_message(b"bytes", opcode=1)
    ws.write_message(bytearray(b"array"))
    ws.write_message("")
    await ws.write_message(b"")


@websocket
async def change_session(ws: WebSocket) -> None:
    save = await ws.read_message()
    await ws.request.session.aset("seen", True)
    if save == "save":
        await ws.request.session.asave()


def set_session(view: Any) -> Any:
    def wrapped(request: HttpRequest) -> HttpResponse:
        request.session["handshake"] = "yes"
        response: HttpResponse = view(request)
        response.set_cookie("flavour", "oatmeal")
        return response

    return wrapped


session_cookie = set_session(echo)


class Barrier:
    """Counts how many handlers are inside ``sync_to_async`` at the same time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.most = 0
        self.gate = threading.Event()

    def enter(self) -> None:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.gate.wait(60)
        with self.lock:
            self.inside -= 1


barrier = Barrier()


@websocket
async def at_barrier(ws: WebSocket) -> None:
    await sync_to_async(barrier.enter)()
    await ws.write_message("through")


@websocket
async def rows(ws: WebSocket) -> None:
    """Read all rows in chunks, with a pause between them."""
    pause = float(await ws.read_message())
    total = 0
    async for row in Row.objects.order_by("pk").aiterator(chunk_size=500):
        total += row.number
        if row.number % 3000 == 0 and pause:
            await asyncio.sleep(pause)
    await ws.write_message(str(total))


@websocket
async def count_rows(ws: WebSocket) -> None:
    async for _ in ws:
        await ws.write_message(str(await Row.objects.acount()))


@websocket
async def deaf(ws: WebSocket) -> None:
    """Never looks at the connection; ``finally`` says that it was cancelled."""
    try:
        await asyncio.Event().wait()
    finally:
        deaf_ended.set()


deaf_ended = threading.Event()


gate = threading.Event()


def blocked(request: HttpRequest) -> HttpResponse:
    """A page that holds its thread until the test opens the gate."""
    gate.wait(60)
    return HttpResponse("at last")


def not_found(request: HttpRequest) -> HttpResponse:
    raise Http404


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def unauthorized(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("who are you?", status=401)
    response.set_cookie("refused", "kept")
    return response


def to_https(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(f"https://{request.get_host()}{request.path}")


def elsewhere(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/page/")


collected: list[str] = []


@websocket
async def collect(ws: WebSocket) -> None:
    await asyncio.sleep(0.2)  # the peer is gone before the first message is read
    async for message in ws:
        collected.append(str(message))
    collected.append("end")


@websocket
async def impatient(ws: WebSocket) -> None:
    """Reads with a timeout that strikes all the time."""
    while True:
        try:
            message = await asyncio.wait_for(ws.read_message(), 0.001)
        except TimeoutError:
            continue
        await ws.write_message(message)


@websocket
async def two_readers(ws: WebSocket) -> None:
    first = asyncio.create_task(ws.read_message())
    await asyncio.sleep(0)
    try:
        await ws.read_message()
    except RuntimeError as error:
        await ws.write_message(type(error).__name__)
    await ws.write_message(await first)


@websocket
async def other_loop(ws: WebSocket) -> None:
    async def write() -> None:
        try:
            await ws.write_message("sent")
        except RuntimeError as error:
            ws.write_message(type(error).__name__)

    await asyncio.to_thread(asyncio.run, write())


@websocket
async def write_after_end(ws: WebSocket) -> None:
    await ws.wait_closed()
    ws.write_message("ignored")
    try:
        await ws.write_message("awaited")
    except ConnectionClosed as closed:
        collected.append(f"{type(closed).__name__} {closed.code} {closed.reason}")


@websocket
async def flood(ws: WebSocket) -> None:
    """Writes without waiting, with a pause in which a good client could read."""
    while not ws.closed:
        ws.write_message(b"x" * 10_000)
        await asyncio.sleep(0)


@websocket
async def flood_from_thread(ws: WebSocket) -> None:
    def write() -> None:
        while not ws.closed:
            ws.write_message(b"x" * 10_000)

    await asyncio.to_thread(write)


@websocket
async def patient_flood(ws: WebSocket) -> None:
    for number in range(1000):
        await ws.write_message(b"%08d" % number + b"x" * 20_000)


@websocket
async def slow_start(ws: WebSocket) -> None:
    await asyncio.to_thread(gate.wait, 60)
    count = 0
    async for message in ws:
        if message == "count":
            await ws.write_message(str(count))
        count += 1
