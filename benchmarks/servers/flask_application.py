"""flask-sock, for gunicorn's threads: two threads serve a connection."""

from __future__ import annotations

import logging
import time

from flask import Flask
from flask_sock import Sock
from simple_websocket import Server

logging.disable(logging.CRITICAL)
application = Flask(__name__)
sock = Sock(application)


@sock.route("/ws/echo/")
def echo(ws: Server) -> None:
    """Echo each message."""
    while True:
        ws.send(ws.receive())


@application.route("/")
def page() -> str:
    """Respond with a line."""
    return "hello\n"


@application.route("/slow/")
def slow() -> str:
    """Block a thread for 50 ms."""
    time.sleep(0.05)
    return "slow\n"
