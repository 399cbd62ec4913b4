"""The system checks as data: their ids, messages and hints.

The reference of system checks is generated from this module.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.checks import CheckMessage, Error, Warning


@dataclass(frozen=True, slots=True)
class Check:
    """A system check. ``message`` and ``hint`` are templates of ``str.format``."""

    id: str
    level: type[Error] | type[Warning]
    #: The cause, for the reference.
    meaning: str
    message: str
    hint: str

    def __call__(self, *, hint: str = "", **values: object) -> CheckMessage:
        """Return the message of a project; ``hint`` overrides the template's."""
        text = hint or self.hint.format(**values)
        return self.level(self.message.format(**values), hint=text, id=self.id)


HIDDEN_RUNSERVER = Check(
    "c10kws.E001",
    Error,
    "Another app with a ``runserver`` command is listed above ``c10kws``.",
    "{app!r} is above 'c10kws' in INSTALLED_APPS, so its runserver is used and WebSockets do "
    "not work in development.",
    "Move 'c10kws' above {app!r}; then both work together.",
)
BAD_SETTING = Check(
    "c10kws.E002",
    Error,
    "``C10KWS`` is not a dictionary, or one of its values is not allowed.",
    "{setting} must be {allowed}, not {value!r}.",
    "The default is {default!r}.",
)
UNKNOWN_SETTING = Check(
    "c10kws.W001",
    Warning,
    "``C10KWS`` has a key that does not exist.",
    "C10KWS has an unknown key {key!r}.",
    "Did you mean {match!r}?",
)
BAD_TORNADO = Check(
    "c10kws.E003",
    Error,
    "``TORNADO`` is not a dictionary, or one of its values has the wrong shape.",
    "TORNADO{key} {fault}.",
    "Write for example {example}.",
)
BAD_ROW = Check(
    "c10kws.E004",
    Error,
    "A row of ``TORNADO['handlers']`` has the wrong shape, or its handler cannot be imported.",
    "TORNADO['handlers'][{number}] {fault}.",
    "Write for example {example}; the last two items may be omitted.",
)
UNKNOWN_TORNADO = Check(
    "c10kws.W003",
    Warning,
    "``TORNADO`` has a key that does not exist.",
    "TORNADO has an unknown key {key!r}.",
    "Did you mean {match!r}?",
)
MISSING_APP = Check(
    "c10kws.E005",
    Error,
    "``c10kws``, which provides the commands and the JavaScript client, is not in INSTALLED_APPS.",
    "{app!r} is in INSTALLED_APPS without 'c10kws'.",
    "Add 'c10kws' to INSTALLED_APPS, above 'django.contrib.staticfiles'.",
)
UNREACHED_ENDPOINT = Check(
    "c10kws.W002",
    Warning,
    "No URL of the project leads to an EventSocket.",
    "No URL reaches the EventSocket {path!r}, defined at {place}.",
    'Add path("ws/", include("c10kws.events.urls")) to the urlpatterns of {urlconf}, or a path of '
    "its own with the EventSocket as the view. If it needs no URL, create it with "
    "add_to_handlers=False.",
)

CHECKS = (
    HIDDEN_RUNSERVER,
    BAD_SETTING,
    BAD_TORNADO,
    BAD_ROW,
    MISSING_APP,
    UNKNOWN_SETTING,
    UNREACHED_ENDPOINT,
    UNKNOWN_TORNADO,
)
