"""Channels' consumers, written as in its tutorial."""

from __future__ import annotations

import os
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
)

GROUP = "everybody"


class EchoConsumer(AsyncWebsocketConsumer):
    """Echoes each message. The user is loaded at the handshake, as by ``@websocket``."""

    async def connect(self) -> None:
        """Load the user, which is lazy in Channels, and accept."""
        await database_sync_to_async(bool)(self.scope["user"])
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Echo the message."""
        await self.send(text_data=text_data, bytes_data=bytes_data)


class BroadcastConsumer(AsyncWebsocketConsumer):
    """Sends each message to all clients through the channel layer."""

    async def connect(self) -> None:
        """Join the group."""
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Send the message to the group."""
        await self.channel_layer.group_send(GROUP, {"type": "say", "text": text_data})

    async def say(self, event: dict[str, Any]) -> None:
        """Send a message of the group."""
        await self.send(text_data=event["text"])


class AsyncEventsConsumer(AsyncJsonWebsocketConsumer):
    """Echoes each event, on the event loop."""

    async def receive_json(self, content: dict[str, Any], **options: Any) -> None:
        """Echo the event."""
        await self.send_json({"event": content["event"], "data": content["data"]})


class EventsConsumer(JsonWebsocketConsumer):
    """Echoes each event, in a thread."""

    def receive_json(self, content: dict[str, Any], **options: Any) -> None:
        """Echo the event."""
        self.send_json({"event": content["event"], "data": content["data"]})


synchronous = os.environ.get("BENCHMARKS_CALLBACK") == "sync"
events = (EventsConsumer if synchronous else AsyncEventsConsumer).as_asgi()
