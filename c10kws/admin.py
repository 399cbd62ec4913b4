"""The admin's page "Live connections": the open WebSockets of all processes of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from .control.directory import UnsafeDirectory
from .control.links import ask_all
from .control.people import names_of
from .models import LiveConnection
from .protocol.closing import CloseCode

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[LiveConnection]
else:
    ModelAdmin = admin.ModelAdmin

Row = dict[str, Any]

PER_PAGE = 100
#: Columns by which the page can be sorted, with their headings.
COLUMNS = {
    "user": "User",
    "path": "Path",
    "address": "Address",
    "age": "Age",
    "received": "Received",
    "sent": "Sent",
    "queued": "Queued bytes",
    "latency": "Latency",
    "rooms": "Rooms",
}
TEMPLATE = "admin/c10kws/liveconnection/change_list.html"


@admin.register(LiveConnection)
class LiveConnectionAdmin(ModelAdmin):
    """A list with search, filters and actions. The rows come from the processes, not a table."""

    def get_urls(self) -> list[URLPattern]:
        """Return the URL of the list; a connection has no page of its own."""
        view = self.admin_site.admin_view(self.changelist_view)
        return [path("", view, name="c10kws_liveconnection_changelist")]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: clients open connections."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: a connection can only be closed."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the connections, or close those that were selected."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            if request.method == "POST":
                return self._close(request)
            rows, total = self._find(request, _filter_of(request))
        except UnsafeDirectory as error:
            messages.error(request, str(error))
            rows, total = [], 0
        context = {
            **self.admin_site.each_context(request),
            "title": "Live connections",
            "opts": self.opts,
            "total": total,
            "query": request.GET.get("q", ""),
            "endpoint": request.GET.get("endpoint", ""),
            "endpoints": sorted({row["endpoint"] for row in rows}),
            "user": request.GET.get("user", ""),
            "columns": _columns(request),
            "page": _page(rows, request),
            "can_close": self.has_delete_permission(request),
            **(extra_context or {}),
        }
        return TemplateResponse(request, TEMPLATE, context)

    def _find(self, request: HttpRequest, asked: dict[str, Any]) -> tuple[list[Row], int]:
        """Return the rows that match, sorted, and their number."""
        answers = ask_all({"operation": "list", "filter": asked})
        for problem in answers.problems:
            messages.warning(request, problem)
        rows = [row for each in answers.results for row in each["rows"]]
        names = names_of({row["user"] for row in rows if row["user"] is not None})
        for row in rows:
            row["name"] = names.get(row["user"], row["user"])
        column, descending = _order_of(request)
        key = "name" if column == "user" else column
        rows.sort(key=lambda row: () if row[key] is None else (row[key],), reverse=descending)
        return rows, sum(each["total"] for each in answers.results)

    def _close(self, request: HttpRequest) -> HttpResponse:
        """Close the selected connections, or all connections of their users."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        asked: dict[str, Any] = {"ids": request.POST.getlist("_selected_action")}
        if request.POST.get("action") == "close_users":
            rows, _ = self._find(request, asked)
            asked = {"users": sorted({row["user"] for row in rows if row["user"] is not None})}
        request_ = {"operation": "close", "filter": asked, "reason": "closed by an administrator"}
        answers = ask_all({**request_, "code": CloseCode.POLICY_VIOLATION.value})
        for problem in answers.problems:
            messages.warning(request, problem)
        closed = sum(each["closed"] for each in answers.results)
        messages.success(request, f"Closed {closed} connections.")
        return HttpResponseRedirect(request.get_full_path())


def _filter_of(request: HttpRequest) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if query := request.GET.get("q"):
        asked["search"] = query
    if endpoint := request.GET.get("endpoint"):
        asked["endpoint"] = endpoint
    if user := request.GET.get("user"):
        asked["users"] = [user]
    return asked


def _order_of(request: HttpRequest) -> tuple[str, bool]:
    """Return the column by which the rows are sorted, and True for a descending order."""
    order = request.GET.get("o", "-age")
    column = order.removeprefix("-")
    return (column, order.startswith("-")) if column in COLUMNS else ("age", True)


def _columns(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the headings, and the query string that sorts by each of them."""
    sorted_by, descending = _order_of(request)
    columns = []
    for name, heading in COLUMNS.items():
        query = request.GET.copy()
        query["o"] = name if name == sorted_by and descending else f"-{name}"
        query.pop("p", None)
        columns.append({"heading": heading, "query": query.urlencode(), "on": name == sorted_by})
    return columns


def _page(rows: list[Row], request: HttpRequest) -> Page[Row]:
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("p"))
