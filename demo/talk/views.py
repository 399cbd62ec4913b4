"""The long-polling chat. Its messages are in the history of a room, so any worker can answer."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from c10kws import asynchronous
from c10kws.longpoll import Handler
from talk import sessions
from talk.memory import rss
from talk.models import Session
from talk.sessions import Refused
from talk.sockets import room

NICK_LENGTH = 30
TEXT_LENGTH = 1000


def page(request: HttpRequest) -> HttpResponse:
    return render(request, "talk/talk.html")


@require_POST
@asynchronous
async def join(request: HttpRequest, handler: Handler) -> HttpResponse:
    """Open a session with a nick; answer with its id and the position before it has joined."""
    nick = " ".join(request.POST.get("nick", "").split())
    if not 0 < len(nick) <= NICK_LENGTH:
        return error(f"the nick must have 1 to {NICK_LENGTH} characters")
    before = await room.wait()
    try:
        session = await sync_to_async(sessions.join)(nick)
    except Refused as refusal:
        return error(str(refusal), 409)
    return answer({"id": session.key, "nick": nick, "since": before.position})


@require_POST
def part(request: HttpRequest) -> HttpResponse:
    """End the session."""
    session = session_of(request.POST.get("id", ""))
    if session is not None:
        sessions.part(session)
    return answer({})


@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """Publish a message; it answers the waiting polls of all workers."""
    session = session_of(request.POST.get("id", ""))
    if session is None:
        return error("the session has ended; join again", 403)
    text = request.POST.get("text", "").strip()
    if not 0 < len(text) <= TEXT_LENGTH:
        return error(f"the text must have 1 to {TEXT_LENGTH} characters")
    sessions.tell(session, "say", text)
    return answer({})


@require_GET
def who(request: HttpRequest) -> HttpResponse:
    """Return the people in the talk."""
    return answer({"nicks": sessions.nicks()})


@require_GET
@asynchronous
async def recv(request: HttpRequest, handler: Handler) -> HttpResponse:
    """Answer with the events after ``since``: now, or when there are any."""
    if await sync_to_async(session_of)(request.GET.get("id", "")) is None:
        return error("the session has ended; join again", 403)
    return with_memory(await room.poll(request))


def session_of(key: str) -> Session | None:
    """Return a session, and keep it alive; None if it has ended. End those of closed windows."""
    sessions.expire()
    return sessions.find(key)


def answer(data: object) -> HttpResponse:
    return with_memory(JsonResponse(data))


def with_memory(response: HttpResponse) -> HttpResponse:
    """Add the memory of this process, which the page shows."""
    response["X-Memory"] = str(rss())
    return response


def error(reason: str, status: int = 400) -> HttpResponse:
    return JsonResponse({"error": reason}, status=status)
