"""``Selection``: the filter of a request, which decides for each connection."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

KEYS = {"ids", "users", "logged_in", "endpoint", "search", "search_users"}


@dataclass(frozen=True, slots=True)
class Selection:
    """Conditions that must all be met; None and an empty ``search`` are always met."""

    ids: frozenset[str] | None
    users: frozenset[str] | None
    logged_in: bool | None
    endpoint: str | None
    search: str
    search_users: frozenset[str]

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Selection:
        """Return the selection of a request's filter. Raises TypeError, ValueError."""
        if unknown := data.keys() - KEYS:
            raise ValueError(f"unknown filter {', '.join(sorted(unknown))}")
        return cls(
            ids=_set_of(data.get("ids")),
            users=_set_of(data.get("users")),
            logged_in=data.get("logged_in"),
            endpoint=data.get("endpoint"),
            search=str(data.get("search", "")).lower(),
            search_users=frozenset(data.get("search_users", ())),
        )

    def matches(self, name: str, facts: Mapping[str, object], rooms: Collection[str]) -> bool:
        """Return True for a connection with this name, these facts and these rooms."""
        user = facts["user_id"]
        return (
            (self.ids is None or name in self.ids)
            and (self.users is None or str(user) in self.users)
            and (self.logged_in is None or self.logged_in is (user is not None))
            and (self.endpoint is None or facts["endpoint"] == self.endpoint)
            and (not self.search or self._finds(facts, rooms))
        )

    def _finds(self, facts: Mapping[str, object], rooms: Collection[str]) -> bool:
        user = facts["user_id"]
        if user is not None and str(user) in self.search_users:
            return True
        texts = [str(facts["path"]), str(facts["remote_addr"]), *rooms]
        if user is not None:
            texts.append(str(user))
        return any(self.search in text.lower() for text in texts)


def _set_of(values: Iterable[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)
