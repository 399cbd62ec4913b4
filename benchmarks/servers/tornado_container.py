"""The Django project's pages in Tornado's WSGIContainer with a pool of threads."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.wsgi import WSGIContainer

from ..project.wsgi import application
from .loops import BACKLOG, serve

#: The default of c10kws, and the number of gunicorn's threads here.
THREADS = 16


async def main(port: int) -> None:
    """Serve until cancelled."""
    logging.disable(logging.CRITICAL)
    server = HTTPServer(WSGIContainer(application, ThreadPoolExecutor(THREADS)))
    server.add_sockets(bind_sockets(port, "127.0.0.1", backlog=BACKLOG))
    await asyncio.Event().wait()


if __name__ == "__main__":
    serve(main)
