"""``@asynchronous``: views whose response is finished later, while no thread is held.

``docs/reference/longpoll.rst`` is the manual. Such a view gets a :class:`Handler` after its
request, with the names of Tornado's handlers. The server awaits its
:class:`~c10kws.longpoll.pending_response.PendingResponse` (``docs/reference/hijack.rst``,
"Deferred responses").
"""

from __future__ import annotations

from .handler import Handler
from .view import asynchronous

__all__ = ["Handler", "asynchronous"]
