"""The pages of the chat; its events are in ``sockets.py``."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

#: Rooms with a link. Any other name works as well.
ROOMS = ("lobby", "python", "tea")


def lobby(request: HttpRequest) -> HttpResponse:
    return redirect("room", ROOMS[0])


def room_page(request: HttpRequest, room: str) -> HttpResponse:
    rooms = ROOMS if room in ROOMS else (*ROOMS, room)
    return render(request, "chat/room.html", {"room": room, "rooms": rooms})
