"""One thread that looks after what waits too long; none waits with the clients."""

from __future__ import annotations

import functools
import threading
import time

from talk.channel import Channel
from talk.sessions import Sessions

#: Seconds after which a poll is answered with nothing.
PATIENCE = 25.0


@functools.cache
def start(channel: Channel, sessions: Sessions) -> None:
    """Begin, once."""
    arguments = (channel, sessions)
    threading.Thread(target=run, args=arguments, name="talk-housekeeping", daemon=True).start()


def run(channel: Channel, sessions: Sessions) -> None:
    """Every second, for as long as the process lives."""
    while True:
        time.sleep(1)
        tidy(channel, sessions)


def tidy(channel: Channel, sessions: Sessions) -> None:
    """Answer old polls, and tell who has gone without a word."""
    channel.release(PATIENCE)
    for session in sessions.expire():
        channel.append(session.nick, "part")
