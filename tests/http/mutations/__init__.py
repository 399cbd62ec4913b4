"""Requests that try to smuggle another request past a server, from seeded generators.

Each function is a family. It returns the bytes of one connection: a POST to ``/a`` whose body is a
request for ``/x``, then a request for ``/b``. However a server reads the broken part, ``/x`` is
never a request: either the message is invalid, or its body is the body.
"""

from __future__ import annotations

from random import Random

from . import chunks, connections, framing, heads
from .pieces import FAMILIES

__all__ = ["COUNT", "FAMILIES", "chunks", "connections", "framing", "generate", "heads"]

#: Mutations of each family; 5,000 in all.
COUNT = 240


def generate(name: str, count: int = COUNT) -> list[bytes]:
    """Return different mutations of a family, always the same ones."""
    random, found = Random(name), dict.fromkeys([FAMILIES[name](Random(0))])
    for _ in range(count * 50):
        if len(found) == count:
            return list(found)
        found[FAMILIES[name](random)] = None
    raise AssertionError(f"{name} has only {len(found)} mutations")
