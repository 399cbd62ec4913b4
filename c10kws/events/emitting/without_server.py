"""``WithoutServer``: applies EMIT_WITHOUT_SERVER in a process without a server and a broker."""

from __future__ import annotations

import logging

from ... import conf
from ..exceptions import EmitHandlerError

logger = logging.getLogger("c10kws.events")


class WithoutServer:
    """The policy of one EventSocket, which warns once. ``policy`` overrides the setting."""

    def __init__(self, path: str, policy: str | None) -> None:
        self._path = path
        self._policy = policy
        self._warned = False

    def handle(self, event: str) -> None:
        """Raise :exc:`EmitHandlerError`, log a warning the first time, or do nothing."""
        policy = self._policy or conf.current().emit_without_server
        if policy == "raise":
            raise EmitHandlerError(event, self._path)
        if policy == "warn" and not self._warned:
            self._warned = True
            logger.warning(
                "%s EMIT_WITHOUT_SERVER is 'warn': further events on it are dropped silently.",
                EmitHandlerError(event, self._path),
            )
