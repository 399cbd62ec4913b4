"""The people in the chat: a session for each window, which ends when it stops polling."""

from __future__ import annotations

import secrets
import threading
import time

#: Seconds without a poll after which somebody is gone.
TIMEOUT = 60.0
#: So many can be here at a time.
LIMIT = 1000


class Refused(Exception):
    """Nobody can come in like this; the reason is for the visitor."""


class Session:
    """Somebody with a nick."""

    def __init__(self, nick: str) -> None:
        self.id = secrets.token_urlsafe(16)
        self.nick = nick
        self.poke()

    def poke(self) -> None:
        """Note that the session is alive."""
        self.seen = time.monotonic()


class Sessions:
    """Its methods are for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def join(self, nick: str) -> Session:
        """Open a session. Raises Refused when the nick is taken, or the room is full."""
        with self._lock:
            if len(self._sessions) >= LIMIT:
                raise Refused("The room is full.")
            if any(each.nick.casefold() == nick.casefold() for each in self._sessions.values()):
                raise Refused("This nick is in use.")
            session = Session(nick)
            self._sessions[session.id] = session
            return session

    def get(self, session_id: str) -> Session | None:
        """Return a session, or None when there is none (any more)."""
        return self._sessions.get(session_id)

    def part(self, session_id: str) -> Session | None:
        """End a session and return it; None when there is none."""
        return self._sessions.pop(session_id, None)

    def nicks(self) -> list[str]:
        """Return who is here."""
        with self._lock:
            return sorted((each.nick for each in self._sessions.values()), key=str.casefold)

    def expire(self) -> list[Session]:
        """End, and return, those who have not polled for long."""
        latest = time.monotonic() - TIMEOUT
        with self._lock:
            old = [each for each in self._sessions.values() if each.seen < latest]
        return [each for each in old if self.part(each.id) is not None]
