"""The people in the chat: a session for each window, which ends when it stops polling."""

from __future__ import annotations

import secrets
import threading
import time

#: Seconds without a poll after which a session ends.
TIMEOUT = 60.0
#: Maximum number of sessions.
LIMIT = 1000


class Refused(Exception):
    """The session cannot be opened; the message is for the visitor."""


class Session:
    """A visitor with a nick."""

    def __init__(self, nick: str) -> None:
        self.id = secrets.token_urlsafe(16)
        self.nick = nick
        self.poke()

    def poke(self) -> None:
        """Record that the session is alive."""
        self.seen = time.monotonic()


class Sessions:
    """All sessions. Its methods may be called from any thread."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def join(self, nick: str) -> Session:
        """Open a session. Raises Refused when the nick is taken, or the room is full."""
        with self._lock:
            if len(self._sessions) >= self._limit:
                raise Refused("The room is full.")
            if any(each.nick.casefold() == nick.casefold() for each in self._sessions.values()):
                raise Refused("This nick is in use.")
            session = Session(nick)
            self._sessions[session.id] = session
            return session

    def get(self, session_id: str) -> Session | None:
        """Return a session; None if there is none, or it has ended."""
        return self._sessions.get(session_id)

    def part(self, session_id: str) -> Session | None:
        """End a session and return it; None if there is none."""
        return self._sessions.pop(session_id, None)

    def nicks(self) -> list[str]:
        """Return the nicks of all sessions."""
        with self._lock:
            return sorted((each.nick for each in self._sessions.values()), key=str.casefold)

    def expire(self) -> list[Session]:
        """End the sessions without a poll for TIMEOUT seconds; return them."""
        latest = time.monotonic() - TIMEOUT
        with self._lock:
            old = [each for each in self._sessions.values() if each.seen < latest]
        return [each for each in old if self.part(each.id) is not None]
