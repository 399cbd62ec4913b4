"""``LiveChangeList``: Django's changelist with rows that the processes report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from functools import partial
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest

from ..control.asking import Answers, ask_all
from ..control.people import keys_with, names_of
from ..models import LiveConnection
from ..runtime_directory import UnsafeDirectory
from .filters import YES, EndpointFilter, LoginFilter, UserFilter


class Rows(list[LiveConnection]):
    """Rows with the part of a QuerySet's interface that the changelist uses."""

    def filter(self, pk__in: Container[str]) -> Rows:
        """Return the rows with these primary keys."""
        return Rows(row for row in self if row.pk in pk__in)

    def order_by(self, *ordering: str) -> Rows:
        """Return the rows in order. Each field may have a "-"; None is the smallest value."""
        rows = Rows(self)
        for field in reversed(ordering):
            key = partial(_sort_key, field.removeprefix("-"))
            rows.sort(key=key, reverse=field.startswith("-"))
        return rows

    def _clone(self) -> Rows:
        return self


class LiveChangeList(ChangeList):
    """A changelist that sends its filters and its search to the processes."""

    queryset: Rows

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Rows:  # type: ignore[override]
        """Ask the processes, and return the rows that match."""
        answers = self._ask()
        endpoints: Counter[str] = Counter()
        for each in answers.results:
            endpoints.update(each["endpoints"])
        self._total = endpoints.total()
        self._set_filters(request, endpoints)
        if len(answers.processes) > 1:
            self.list_display = [*self.list_display, "process"]
        rows = rows_of(row for each in answers.results for row in each["rows"])
        return rows.order_by(*cast(list[str], self.get_ordering(request, self.root_queryset)))

    def get_results(self, request: HttpRequest) -> None:
        """Set the rows of this page, and show what is wrong."""
        super().get_results(request)
        self.full_result_count = self._total
        self.show_admin_actions = bool(self.result_count)
        if request.method == "GET":  # an action is followed by a GET
            for problem in self._problems:
                messages.warning(request, problem)

    def _ask(self) -> Answers:
        answers = Answers()
        try:
            answers = ask_all({"operation": "list", "filter": self._selection()})
            self._problems = [*answers.problems, *filter(None, [answers.none])]
        except UnsafeDirectory as error:
            self._problems = [str(error)]
        return answers

    def _selection(self) -> dict[str, Any]:
        """Return the filter of the request to the processes."""
        asked: dict[str, Any] = {}
        if self.query:
            asked |= {"search": self.query, "search_users": keys_with(self.query)}
        if endpoint := self.params.get(EndpointFilter.parameter_name):
            asked["endpoint"] = endpoint
        if login := self.params.get(LoginFilter.parameter_name):
            asked["logged_in"] = login == YES
        if user := self.params.get(UserFilter.parameter_name):
            asked["users"] = [user]
        return asked

    def _set_filters(self, request: HttpRequest, endpoints: Counter[str]) -> None:
        by_endpoint = partial(EndpointFilter, endpoints=endpoints)
        self.list_filter = (UserFilter, by_endpoint, LoginFilter)  # type: ignore[assignment] # callable
        self.filter_specs, self.has_filters, unknown, _, self.has_active_filters = self.get_filters(
            request
        )
        if unknown:
            raise IncorrectLookupParameters(f"Unknown parameters: {', '.join(unknown)}.")
        self.clear_all_filters_qs = self.get_query_string(remove=self.get_filters_params())


def rows_of(data: Iterable[dict[str, Any]]) -> Rows:
    """Return the rows that the processes have reported, with the names of their users."""
    found = list(data)
    names = names_of({each["user"] for each in found if each["user"] is not None})
    return Rows(
        LiveConnection(
            **each | {"rooms": ", ".join(each["rooms"])},
            username=names.get(each["user"], each["user"]),
        )
        for each in found
    )


def _sort_key(field: str, row: LiveConnection) -> tuple[bool, Any]:
    value = getattr(row, field)
    return value is not None, value.casefold() if isinstance(value, str) else value
