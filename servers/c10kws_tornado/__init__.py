"""A WSGI server on Tornado that can hand a connection over (``docs/reference/hijack.rst``)."""

from .limits import Limits
from .pool import Pool, PoolFull
from .process.workers import Workers
from .routing import describe_rules, make_application
from .run import bind, serve
from .server import Server

__all__ = [
    "Limits",
    "Pool",
    "PoolFull",
    "Server",
    "Workers",
    "bind",
    "describe_rules",
    "make_application",
    "serve",
]
