"""The metrics next to WebSocket views."""

from __future__ import annotations

from django.urls import include, path

from c10kws import WebSocket, websocket
from tests.project import views


@websocket
async def echo(ws: WebSocket, name: str) -> None:
    async for message in ws:
        await ws.write_message(message)


urlpatterns = [
    path("metrics/", include("c10kws.metrics")),
    path("echo/<str:name>/", echo),
    path("closing/<int:code>/", views.closing),
    path("failing/", views.failing),
    path("page/", views.page),
]
