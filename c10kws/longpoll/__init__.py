"""``@asynchronous``: views whose response is finished later, without a thread in between.

``docs/reference/longpoll.rst`` is the manual. A view gets a :class:`Handler` after its request, the
shape of a handler of Tornado; what the client waits for is a
:class:`~c10kws.longpoll.pending.Pending`, which the server awaits
(``docs/reference/hijack.rst``, "Deferred responses").
"""

from __future__ import annotations

from .handler import Handler
from .views import asynchronous

__all__ = ["Handler", "asynchronous"]
