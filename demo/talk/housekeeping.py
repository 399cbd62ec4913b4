"""One thread that ends old polls and sessions. No thread waits for each client."""

from __future__ import annotations

import functools
import threading
import time

from talk.channel import Channel
from talk.sessions import Sessions

#: Seconds after which a poll is answered without messages.
PATIENCE = 25.0


@functools.cache
def start(channel: Channel, sessions: Sessions) -> None:
    """Start the thread, once."""
    arguments = (channel, sessions)
    threading.Thread(target=run, args=arguments, name="talk-housekeeping", daemon=True).start()


def run(channel: Channel, sessions: Sessions) -> None:
    """Clean up every second, until the process ends."""
    while True:
        time.sleep(1)
        tidy(channel, sessions)


def tidy(channel: Channel, sessions: Sessions) -> None:
    """Answer old polls, and end the sessions of clients that have stopped polling."""
    channel.release(PATIENCE)
    for session in sessions.expire():
        channel.append(session.nick, "part")
