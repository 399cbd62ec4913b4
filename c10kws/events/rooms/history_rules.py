"""``HistoryRules``: rules for the histories of an EventSocket's rooms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ... import conf
from ..brokers.history import HistoryLimits

#: Limits by pattern, as in a shell: ``{"chat:*": {"size": 100, "ttl": 300}}``.
Rules = Mapping[str, Mapping[str, Any]]


class HistoryRules:
    """Rules of an EventSocket, followed by those of the setting HISTORY. The first match counts.

    Raises ValueError for a rule that is not valid.
    """

    def __init__(self, own: Rules) -> None:
        self._own = list(read_rules(own))
        self._setting: Rules = {}
        self._rules = self._own

    def limits_of(self, room: str) -> HistoryLimits | None:
        """Return the limits of a room's history; None if it has no history."""
        setting = conf.current().history
        if setting is not self._setting:
            self._rules = [*self._own, *read_rules(setting)]
            self._setting = setting
        for pattern, limits in self._rules:
            if fnmatchcase(room, pattern):
                return limits
        return None


def read_rules(rules: Rules) -> Iterator[tuple[str, HistoryLimits]]:
    """Yield patterns and limits. Raises ValueError for a rule that is not valid."""
    for pattern, limits in rules.items():
        try:
            yield pattern, HistoryLimits(**limits)
        except TypeError as error:
            raise ValueError(
                f"The history of {pattern!r} must have the keys 'size' (messages) and 'ttl' "
                f"(seconds), and may have 'max_bytes'; found: {dict(limits)!r}."
            ) from error
