"""Views of the test pages: a conversation over a WebSocket, and forms over HTTP."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ..connection.websocket import WebSocket
from ..views.decorator import websocket

ECHOES = 3
#: Rounds of echoes that a client may ask for.
MAX_ROUNDS = 1000
BAD_REQUEST = 4400


def conversation_page(request: HttpRequest) -> HttpResponse:
    """Return the page whose script talks to :func:`conversation`."""
    return render(request, "c10kws/testpages/conversation.html")


@websocket
async def conversation(ws: WebSocket) -> None:
    """Greet, echo three messages with their numbers, say goodbye and close.

    ``?rounds=2`` echoes six messages, and so on up to ``MAX_ROUNDS``; the numbers continue.
    """
    rounds = read_rounds(ws.request.GET.get("rounds", "1"))
    if rounds is None:
        await ws.close(BAD_REQUEST, f"rounds must be from 1 to {MAX_ROUNDS}")
        return
    await ws.write_message("Hello!")
    for number in range(1, ECHOES * rounds + 1):
        await ws.write_message(f"{number}. {await ws.read_message()!s}")
    await ws.write_message("Goodbye!")


def read_rounds(text: str) -> int | None:
    """Return the number of rounds that a client asks for; None if it is not valid."""
    in_range = len(text) <= len(str(MAX_ROUNDS)) and text.isdecimal()
    return int(text) if in_range and 1 <= int(text) <= MAX_ROUNDS else None


def forms_page(request: HttpRequest) -> HttpResponse:
    """Show the data of a GET and a POST form; files with name and size."""
    files = [
        (name, f"{file.name} ({file.size} bytes)")
        for name in request.FILES
        for file in request.FILES.getlist(name)
    ]
    received = {
        "GET": [(key, value) for key, values in request.GET.lists() for value in values],
        "POST": [
            (key, value)
            for key, values in request.POST.lists()
            if key != "csrfmiddlewaretoken"
            for value in values
        ]
        + files,
    }
    return render(
        request,
        "c10kws/testpages/forms.html",
        {"method": request.method, "received": received[request.method or "GET"]},
    )
