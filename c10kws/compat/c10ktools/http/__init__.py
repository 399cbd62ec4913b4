"""``websocket``, at its place in c10ktools."""

from .websockets import websocket as websocket
