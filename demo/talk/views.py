"""The long-polling chat. join, send, recv, who and part are ordinary views."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from c10kws import asynchronous
from c10kws.longpoll import Handler
from talk import housekeeping
from talk.channel import Channel, Message
from talk.memory import rss
from talk.sessions import Refused, Session, Sessions

NICK_LENGTH = 30
TEXT_LENGTH = 1000

channel = Channel()
sessions = Sessions()


def page(request: HttpRequest) -> HttpResponse:
    return render(request, "talk/talk.html")


@require_POST
def join(request: HttpRequest) -> JsonResponse:
    """Open a session with a nick; answer with its id and the number of the last message."""
    nick = " ".join(request.POST.get("nick", "").split())
    if not 0 < len(nick) <= NICK_LENGTH:
        return error(f"the nick must have 1 to {NICK_LENGTH} characters")
    housekeeping.start(channel, sessions)
    try:
        session = sessions.join(nick)
    except Refused as refusal:
        return error(str(refusal), 409)
    since = channel.last
    channel.append(nick, "join")
    return JsonResponse({"id": session.id, "nick": nick, "since": since, "rss": rss()})


@require_POST
def part(request: HttpRequest) -> JsonResponse:
    """End the session."""
    session = sessions.part(request.POST.get("id", ""))
    if session is not None:
        channel.append(session.nick, "part")
    return JsonResponse({"rss": rss()})


@require_POST
def send(request: HttpRequest) -> JsonResponse:
    """Publish a message; all waiting polls are answered from this thread."""
    session = session_of(request.POST.get("id", ""))
    if session is None:
        return error("the session has ended; join again", 403)
    text = request.POST.get("text", "").strip()
    if not 0 < len(text) <= TEXT_LENGTH:
        return error(f"the text must have 1 to {TEXT_LENGTH} characters")
    channel.append(session.nick, "say", text)
    return JsonResponse({"rss": rss()})


@require_GET
def who(request: HttpRequest) -> JsonResponse:
    """Return the people in the chat."""
    return JsonResponse({"nicks": sessions.nicks(), "rss": rss()})


@require_GET
@asynchronous
def recv(request: HttpRequest, handler: Handler) -> HttpResponse | None:
    """Answer with the messages after ``since``: now, or when there are any."""
    session = session_of(request.GET.get("id", ""))
    if session is None:
        return error("the session has ended; join again", 403)
    since = request.GET.get("since", "")
    if not (since.isascii() and since.isdigit()):
        return error("since must be the number of the last message")

    def on_new_messages(messages: list[Message]) -> None:
        if handler.request.connection.stream.closed():
            return
        session.poke()
        handler.finish({"messages": messages, "rss": rss()})

    callback = handler.async_callback(on_new_messages)
    handler.on_connection_close(lambda: channel.forget(callback))
    channel.query(callback, int(since[:18]))
    return None


def session_of(session_id: str) -> Session | None:
    """Return a session, and keep it alive; None if it has ended."""
    session = sessions.get(session_id)
    if session is not None:
        session.poke()
    return session


def error(reason: str, status: int = 400) -> JsonResponse:
    return JsonResponse({"error": reason}, status=status)
