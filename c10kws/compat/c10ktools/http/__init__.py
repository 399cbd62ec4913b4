"""``websocket``, where c10ktools had it."""

from .websockets import websocket as websocket
