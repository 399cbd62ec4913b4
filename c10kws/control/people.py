"""Names of users. Workers report primary keys only; names come from the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet

#: Users that a search finds by a part of their names.
MAX_FOUND = 1000


def names_of(keys: Iterable[str]) -> dict[str, str]:
    """Return the names of users by their primary keys, as far as they are known."""
    if not apps.is_installed("django.contrib.auth"):
        return {}
    users = _users()
    possible = [key for key in keys if _is_key(users.model, key)]
    return {str(key): user.get_username() for key, user in users.in_bulk(possible).items()}


def keys_of(text: str) -> list[str]:
    """Return the primary keys, as text, of the user with this name or primary key."""
    keys = [text]
    if apps.is_installed("django.contrib.auth"):
        users = _users()
        found = users.filter(**{users.model.USERNAME_FIELD: text})
        keys += [str(user.pk) for user in found]
    return keys


def keys_with(part: str) -> list[str]:
    """Return the primary keys, as text, of users whose name has this part, at most MAX_FOUND."""
    if not apps.is_installed("django.contrib.auth"):
        return []
    users = _users()
    name = users.model.USERNAME_FIELD
    found = users.filter(**{f"{name}__icontains": part}).values_list("pk", flat=True)
    return [str(key) for key in found[:MAX_FOUND]]


def _is_key(model: type[Model], text: str) -> bool:
    try:
        model._meta.pk.to_python(text)
    except ValidationError:
        return False
    return True


def _users() -> QuerySet[Any]:
    # Only now: the project may have no users.
    from django.contrib.auth import get_user_model

    return get_user_model()._default_manager.all()
