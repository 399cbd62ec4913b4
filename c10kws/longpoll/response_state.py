"""States of a response that is finished later.

======== ==========================================================================================
OPEN     the client waits, or receives what is flushed
FINISHED ``finish()`` was called; a second call is an error
OVER     something else ended it: the client disconnected, the timeout passed, the server stops, or
         an exception was raised. Later calls of the view have no effect
======== ==========================================================================================
"""

from __future__ import annotations

import enum


class ResponseState(enum.Enum):
    """The states of the table above."""

    OPEN = enum.auto()
    FINISHED = enum.auto()
    OVER = enum.auto()
