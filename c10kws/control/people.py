"""Names of users. Workers report primary keys only; names come from the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db.models import QuerySet


def names_of(keys: Iterable[str]) -> dict[str, str]:
    """Return the names of users by their primary keys, as far as they are known."""
    if not apps.is_installed("django.contrib.auth"):
        return {}
    users = _users().filter(pk__in=list(keys))
    return {str(user.pk): user.get_username() for user in users}


def keys_of(text: str) -> list[str]:
    """Return the primary keys, as text, of the user with this name or primary key."""
    keys = [text]
    if apps.is_installed("django.contrib.auth"):
        users = _users()
        found = users.filter(**{users.model.USERNAME_FIELD: text})
        keys += [str(user.pk) for user in found]
    return keys


def _users() -> QuerySet[Any]:
    # Only now: the project may have no users.
    from django.contrib.auth import get_user_model

    return get_user_model()._default_manager.all()
