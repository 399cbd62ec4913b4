"""``RedisBroker``: the broker for several machines; ``pip install c10kws[redis]``."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

try:
    import redis.asyncio  # noqa: F401
except ImportError as error:
    raise ImproperlyConfigured(
        "RedisBroker needs redis-py; run: pip install c10kws[redis]"
    ) from error
from .broker import RedisBroker

__all__ = ["RedisBroker"]
