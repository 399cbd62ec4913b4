"""The project for ASGI servers: Channels' WebSockets with AuthMiddlewareStack, Django's pages."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.project.settings")
django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import path  # noqa: E402

from .consumers import BroadcastConsumer, EchoConsumer, events  # noqa: E402

websockets = URLRouter(
    [
        path("ws/echo/", EchoConsumer.as_asgi()),
        path("ws/idle/", EchoConsumer.as_asgi()),
        path("ws/light/", EchoConsumer.as_asgi()),
        path("ws/broadcast/", BroadcastConsumer.as_asgi()),
        path("ws/events/", events),
        path("ws/room/", BroadcastConsumer.as_asgi()),
    ]
)
application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(websockets)),
    }
)
