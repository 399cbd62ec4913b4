"""gunicorn with c10kws' worker, on a stock project."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from .commands import Command

VIEWS = """
import asyncio, os, threading, time
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from c10kws import asynchronous

def info(request):
    environ = request.META
    names = ("wsgi.url_scheme", "wsgi.multiprocess", "HTTP_X_FORWARDED_FOR", "REMOTE_ADDR")
    threads = environ["c10kws.executor"].size
    workers = environ["c10kws.workers"].slots()
    slots = [(slot.pid, slot.generation, slot.activity) for slot in workers]
    return JsonResponse({name: environ.get(name) for name in names}
                        | {"pid": os.getpid(), "threads": threads, "slots": slots})

def plain(request):
    return StreamingHttpResponse(iter([b"plain ", b"iterable"]))

def stream(request):
    async def parts():
        for part in (b"async ", b"iterable"):
            await asyncio.sleep(0)
            yield part
    return StreamingHttpResponse(parts())

@asynchronous
async def deferred(request, handler):
    await asyncio.sleep(0)
    handler.write("deferred")
    handler.finish()

def slow(request):
    print("a slow view", flush=True)
    time.sleep(0.5)
    return HttpResponse("not cut")

@websocket
async def block(ws):
    time.sleep(3600)

def forbidden(request):
    return HttpResponse(status=403)

@websocket
async def endless(ws):
    print("endless", flush=True)
    while True:
        try:
            await asyncio.sleep(3600)
        except BaseException:
            pass
"""
NAMES = ["info", "plain", "stream", "deferred", "slow", "block", "forbidden", "endless"]
#: gunicorn prints the calls of its server hooks.
HOOKS = """
def on_starting(server): print("hook on_starting", flush=True)
def post_fork(server, worker): print("hook post_fork", flush=True)
def post_worker_init(worker): print("hook post_worker_init", flush=True)
def worker_int(worker): print("hook worker_int", flush=True)
def worker_abort(worker): print("hook worker_abort", flush=True)
def worker_exit(server, worker): print("hook worker_exit", flush=True)
def child_exit(server, worker): print("hook child_exit", flush=True)
def pre_request(worker, request): print("hook pre_request", flush=True)
"""


def add_views(project: Path) -> None:
    """Add the views above to a stock project, each at ``/its name/``."""
    with (project / "mysite" / "views.py").open("a") as views:
        views.write(VIEWS)
    with (project / "mysite" / "urls.py").open("a") as urls:
        for name in NAMES:
            urls.write(f'urlpatterns.append(path("{name}/", views.{name}))\n')
    (project / "gunicorn.conf.py").write_text(HOOKS)


class Gunicorn(Command):
    """A running gunicorn, on a free port of 127.0.0.1."""

    program = (
        str(Path(sys.executable).with_name("gunicorn")),
        *("--worker-class", "c10kws.gunicorn.Worker", "--bind", "127.0.0.1:0"),
        "--no-control-socket",
    )

    @property
    def port(self) -> int:
        """The port, once it listens."""
        self.wait_for("Listening at")
        found = re.search(r"Listening at: https?://127.0.0.1:(\d+)", self.output)
        assert found, self.output
        return int(found[1])

    def wait_for_workers(self, count: int) -> None:
        """Wait until so many workers have been initialized since the start."""
        self.wait_for("hook post_worker_init", count)
