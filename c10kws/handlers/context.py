"""Context of a view for the task of its handler: variables, language, time zone."""

from __future__ import annotations

import contextvars

from django.conf import settings
from django.utils import timezone, translation

from .threads import Caller, HandlerThreads


class ViewContext:
    """The context of a view, copied in its thread; the task on the loop runs in ``variables``."""

    __slots__ = ("_is_default", "_language", "_timezone", "variables")

    def __init__(self) -> None:
        self.variables = _without_thread_locals(contextvars.copy_context())
        self._timezone = timezone.get_current_timezone()
        self._language = translation.get_language()
        self._is_default = (
            self._timezone is timezone.get_default_timezone()
            and self._language == settings.LANGUAGE_CODE
        )

    def enter(self, threads: HandlerThreads, caller: Caller) -> None:
        """Prepare the variables for a task whose sync calls run in ``threads`` for ``caller``."""
        if not self._is_default:
            self.variables.run(self._activate)
        self.variables.run(threads.enter, caller)

    def _activate(self) -> None:
        """Activate the view's language and time zone."""
        timezone.activate(self._timezone)
        if self._language is None:
            translation.deactivate_all()
        else:
            translation.activate(self._language)


def _without_thread_locals(context: contextvars.Context) -> contextvars.Context:
    """Return the context without asgiref's ``Local``s.

    They would be a third of an idle connection's memory, and their values are visible in the worker
    thread only.
    """
    result = contextvars.Context()
    for variable, value in context.items():
        if not hasattr(value, "thread_id"):
            result.run(variable.set, value)
    return result
