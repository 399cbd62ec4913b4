"""The addresses that ``runtornado`` listens on."""

from __future__ import annotations

from collections.abc import Sequence

from django.apps import apps
from django.core.management.base import CommandError

from c10kws_tornado.process.addresses import (
    Address,
    DescriptorAddress,
    TCPAddress,
    parse_address,
)
from c10kws_tornado.process.systemd import take_listen_fds

from . import tornado_handlers

DEFAULT_ADDRESS = "127.0.0.1"
ALL_INTERFACES = "0.0.0.0"
#: With this app installed a port without an address means all interfaces, as in the ancestor.
ANCESTOR = "c10kws.compat.tornado_websockets"


def ports_of(addresses: Sequence[Address]) -> list[str]:
    """Return addresses for ``runserver``. Raises CommandError for those that have no port."""
    for address in addresses:
        if not isinstance(address, TCPAddress):
            raise CommandError(f"--reload listens on ports only, not on {address}.")
    return [str(address) for address in addresses]


def find_addresses(positional: Sequence[str], bound: Sequence[str]) -> list[Address]:
    """Return the addresses to listen on: the given ones, systemd's, or the default."""
    texts = [*positional, *bound]
    passed = take_listen_fds()
    if not texts and passed:
        return [DescriptorAddress(fd) for fd in passed]
    texts = texts or [str(tornado_handlers.port())]
    try:
        addresses = [parse_address(text, default_address()) for text in texts]
    except ValueError as error:
        raise CommandError(str(error)) from error
    if len(set(addresses)) < len(addresses):
        raise CommandError(f"An address is given twice: {' '.join(texts)}.")
    return addresses


def default_address() -> str:
    """Return the address of a port that is given without one."""
    known = apps.apps_ready  # False if a project that is to be reloaded is broken
    return ALL_INTERFACES if known and apps.is_installed(ANCESTOR) else DEFAULT_ADDRESS
