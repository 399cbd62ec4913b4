"""A WSGI server on Tornado that can hand a connection over (``docs/reference/hijack.rst``)."""

from .limits import Limits
from .pool import Pool, PoolFull
from .process.listening import bind
from .routing import describe_rules, make_application
from .run import serve
from .server import Server

__all__ = [
    "Limits",
    "Pool",
    "PoolFull",
    "Server",
    "bind",
    "describe_rules",
    "make_application",
    "serve",
]
