"""The admin's page "Live connections": the open WebSockets of all processes of the site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from ..control.asking import ask_all
from ..control.texts import connections_of, duration_of, latency_of
from ..models import LiveConnection
from ..protocol.closing import CloseCode
from .changelist import LiveChangeList, Rows

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[LiveConnection]
else:
    ModelAdmin = admin.ModelAdmin

#: Connections or users of one request: a request has a limited length.
BATCH = 2000
REASON = "closed by an administrator"


@admin.register(LiveConnection)
class LiveConnectionAdmin(ModelAdmin):
    """A changelist whose rows come from the processes, not from a table."""

    list_display = (
        *("user_link", "path", "address", "duration", "received", "sent"),
        *("queue", "round_trip", "rooms"),
    )
    list_display_links = None
    ordering = ("-age",)
    search_fields = ("username", "path", "address", "rooms")  # see LiveChangeList
    search_help_text = "A part of the user's name, the path, the address or a room."
    actions = ("close_selected", "close_users")
    show_facets = admin.ShowFacets.NEVER  # the filters have their own numbers

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

    def get_actions(self, request: HttpRequest, action_location: object = None) -> dict[str, Any]:
        """Return the actions of this class; those of the site are for rows of tables."""
        # Django 6.1 has the second argument, and older releases do not.
        location = {} if action_location is None else {"action_location": action_location}
        found: dict[str, Any] = super().get_actions(request, **location)
        return {name: action for name, action in found.items() if name in self.actions}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that asks the processes."""
        return LiveChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the connections, or close those that were selected."""
        context = {"title": "Live connections"} | (extra_context or {})
        return super().changelist_view(request, context)

    @admin.display(description="user", ordering="username")
    def user_link(self, row: LiveConnection) -> SafeString | None:
        """Return the user's name, which filters by this user."""
        if row.user is None:
            return None
        return format_html('<a href="?{}">{}</a>', urlencode({"user": row.user}), row.username)

    @admin.display(description="age", ordering="age")
    def duration(self, row: LiveConnection) -> str:
        """Return the time since the handshake."""
        return _unbroken(duration_of(row.age))

    @admin.display(description="queue", ordering="queued")
    def queue(self, row: LiveConnection) -> str:
        """Return the size of the messages that the client has not read yet."""
        return filesizeformat(row.queued)

    @admin.display(description="latency", ordering="latency")
    def round_trip(self, row: LiveConnection) -> str | None:
        """Return the time of the last Ping and its Pong."""
        return None if row.latency is None else _unbroken(latency_of(row.latency))

    @admin.action(permissions=["delete"], description="Close selected connections")
    def close_selected(self, request: HttpRequest, rows: Rows) -> None:
        """Close the selected connections."""
        self._close(request, "ids", [row.id for row in rows], rows)

    @admin.action(permissions=["delete"], description="Close all connections of the selected users")
    def close_users(self, request: HttpRequest, rows: Rows) -> None:
        """Close all connections of the users who have the selected ones."""
        users = {row.user for row in rows if row.user is not None}
        if rows and not users:
            self.message_user(
                request, "The selected connections have no user who is logged in.", messages.WARNING
            )
            return
        self._close(request, "users", sorted(users), rows)

    def _close(self, request: HttpRequest, key: str, values: list[str], rows: Rows) -> None:
        """Close the connections that match, and log those that were selected as deleted."""
        closed, problems = 0, set()
        for start in range(0, len(values), BATCH):
            answers = ask_all(_request_to_close({key: values[start : start + BATCH]}))
            closed += sum(each["closed"] for each in answers.results)
            problems.update(answers.problems)
        for problem in sorted(problems):
            self.message_user(request, problem, messages.WARNING)
        if closed:
            self.log_deletions(request, rows)  # type: ignore[arg-type] # any iterable
            self.message_user(request, f"Closed {connections_of(closed)}.", messages.SUCCESS)
        elif not problems:
            text = "The selected connections had already been closed."
            self.message_user(request, text, messages.WARNING)


def _request_to_close(asked: dict[str, Any]) -> dict[str, Any]:
    code = CloseCode.POLICY_VIOLATION.value
    return {"operation": "close", "filter": asked, "code": code, "reason": REASON}


def _unbroken(text: str) -> str:
    """Return a text that the browser does not break between two words."""
    return text.replace(" ", "\xa0")
