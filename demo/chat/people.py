"""The people in the rooms, for all workers.

The windows of a worker that was killed are not removed by ``close``. They are forgotten when they
were not seen for a while; windows that are open are seen again and again.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from chat.models import Visitor

#: Time without a sign of life after which a window is forgotten; ``chat.js`` gives one each 20 s.
STALE = timedelta(seconds=60)


def see(room: str, name: str, socket: str) -> None:
    """Add a window, or note that it is open; forget those that were not seen for a while."""
    now = timezone.now()
    Visitor.objects.filter(seen__lt=now - STALE).delete()
    visitor = {"room": room, "name": name, "seen": now}
    Visitor.objects.update_or_create(socket=socket, defaults=visitor)


def remove(socket: str) -> None:
    """Remove a window."""
    Visitor.objects.filter(socket=socket).delete()


def names_in(room: str) -> list[str]:
    """Return the names in a room, each once."""
    names = Visitor.objects.filter(room=room).values_list("name", flat=True)
    return sorted(set(names), key=str.casefold)
