"""Signed names of rooms: a client that has one may join.

A signed name is ``ws:ROOM:EXPIRY:SIGNATURE``. EXPIRY is a time in milliseconds in base 62, or
empty. The path of the EventSocket and the user, if there is one, are part of the key, not of the
name. For another EventSocket or user the signature is therefore wrong.
"""

from __future__ import annotations

import math
import time
from datetime import timedelta
from typing import Any

from django.core.signing import BadSignature, Signer, b62_decode, b62_encode

from ..exceptions import InvalidInstanceError
from ..frames.envelope import RESERVED_PREFIX

MAX_ROOM_LENGTH = 256
SALT = "c10kws.events.room"

MaxAge = float | timedelta | None


class Expired(Exception):
    """A signed name is older than its ``max_age``."""


def sign(room: str, path: str, user: Any, max_age: MaxAge) -> str:
    """Return the signed name of ``room``; see :meth:`EventSocket.sign_room`."""
    if not isinstance(room, str):
        raise InvalidInstanceError(room, "the name of a room")
    pk = getattr(user, "pk", None)
    if user is not None and pk is None:
        raise ValueError(
            f"Cannot sign the room {room!r} for {user!r}, which has no primary key. Pass a user "
            "who is logged in, or None for all clients."
        )
    signer = _signer(path, pk)
    signed = RESERVED_PREFIX + signer.sign(f"{room}:{_expiry(max_age)}")
    if not room or len(signed) > MAX_ROOM_LENGTH:
        limit = len(room) + MAX_ROOM_LENGTH - len(signed)
        raise ValueError(
            f"Cannot sign the name of a room with {len(room)} characters; it must have 1 to "
            f"{limit} characters."
        )
    return signed


def is_signed(name: object) -> bool:
    """Return True for a name with the prefix of signed names; its signature may be wrong."""
    return isinstance(name, str) and name.startswith(RESERVED_PREFIX)


def read(name: str, path: str, user: Any, *, ignore_age: bool = False) -> str | None:
    """Return the room of a signed name; None if it is not valid for this path and user.

    Raises :exc:`Expired` when its ``max_age`` has passed, unless ``ignore_age`` is True.
    """
    for pk in {None, getattr(user, "pk", None)}:
        try:
            value = _signer(path, pk).unsign(name.removeprefix(RESERVED_PREFIX))
        except BadSignature:
            continue
        room, _, expiry = value.rpartition(":")
        if expiry and not ignore_age and b62_decode(expiry) < _now():
            raise Expired
        return room
    return None


def _signer(path: str, pk: Any) -> Signer:
    return Signer(salt=f"{SALT} {(path, None if pk is None else str(pk))!r}")


def _expiry(max_age: MaxAge) -> str:
    if max_age is None:
        return ""
    seconds: object = max_age.total_seconds() if isinstance(max_age, timedelta) else max_age
    if not (isinstance(seconds, int | float) and 0 < seconds < math.inf):
        raise ValueError(
            f"max_age must be a number of seconds above 0, a timedelta or None, not {max_age!r}"
        )
    return b62_encode(_now() + math.ceil(seconds * 1000))


def _now() -> int:
    return int(time.time() * 1000)
