"""The filters of the page: by endpoint, by login, by user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from ..control.people import names_of
from ..models import LiveConnection

#: Values of LoginFilter.
YES, NO = "yes", "no"


class LiveFilter(SimpleListFilter):
    """Filter whose value is sent to the processes, so that it does not filter rows itself."""

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[LiveConnection]
    ) -> QuerySet[LiveConnection]:
        """Return the argument."""
        return queryset


class EndpointFilter(LiveFilter):
    """Filter by the endpoints that have open connections."""

    title = "endpoint"
    parameter_name = "endpoint"

    def __init__(self, *args: Any, endpoints: Mapping[str, int]) -> None:
        self._endpoints = endpoints
        super().__init__(*args)

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Model]
    ) -> list[tuple[str, str]]:
        """Return the endpoints and their numbers of connections."""
        endpoints = {self.value() or "": 0, **self._endpoints}
        return [(name, f"{name} ({endpoints[name]})") for name in sorted(endpoints) if name]


class LoginFilter(LiveFilter):
    """Filter by users who are logged in, or are not."""

    title = "login"
    parameter_name = "login"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Model]
    ) -> list[tuple[str, str]]:
        """Return both possibilities."""
        return [(YES, "Logged in"), (NO, "Anonymous")]


class UserFilter(LiveFilter):
    """Filter by one user, which the links in the rows select."""

    title = "user"
    parameter_name = "user"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Model]
    ) -> list[tuple[str, str]]:
        """Return the selected user, if any. Without one, the filter is not shown."""
        key = self.value()
        return [(key, names_of([key]).get(key, key))] if key else []
