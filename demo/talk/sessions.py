"""The sessions of the people in the talk. A session ends when its window stops polling."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from talk.models import Session
from talk.sockets import room

#: Time without a request after which a session ends.
TIMEOUT = timedelta(seconds=60)
#: Maximum number of sessions.
LIMIT = 1000


class Refused(Exception):
    """The session cannot be opened; the message is for the visitor."""


def join(nick: str) -> Session:
    """Open a session. Raises Refused when the nick is taken, or the room is full."""
    expire()
    if Session.objects.count() >= LIMIT:
        raise Refused("The room is full.")
    key, folded = secrets.token_urlsafe(16), nick.casefold()
    try:
        with transaction.atomic():
            session = Session.objects.create(key=key, nick=nick, folded=folded)
    except IntegrityError:
        raise Refused("This nick is in use.") from None
    tell(session, "join")
    return session


def find(key: str) -> Session | None:
    """Return a session and keep it alive; None if it has ended."""
    if not Session.objects.filter(key=key).update(seen=timezone.now()):
        return None
    return Session.objects.filter(key=key).first()


def part(session: Session) -> None:
    """End a session."""
    deleted, _ = Session.objects.filter(pk=session.pk).delete()
    if deleted:  # by this worker, not by another one
        tell(session, "part")


def nicks() -> list[str]:
    """Return the nicks of all sessions."""
    return list(Session.objects.order_by("folded").values_list("nick", flat=True))


def expire() -> None:
    """End the sessions without a request for TIMEOUT."""
    for session in Session.objects.filter(seen__lt=timezone.now() - TIMEOUT):
        part(session)


def tell(session: Session, event: str, text: str = "") -> None:
    """Send an event of a visitor to the room."""
    room.emit(event, {"nick": session.nick, "text": text, "at": round(time.time() * 1000)})
