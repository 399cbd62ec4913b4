"""Context of a view's thread for its coroutine: variables, language, time zone."""

from __future__ import annotations

import contextvars

from django.utils import timezone, translation

from .threads import HandlerThreads, User


class ViewContext:
    """The context of a view, made in its thread for a task on the loop: ``variables``."""

    __slots__ = ("_language", "_timezone", "variables")

    def __init__(self) -> None:
        self.variables = _without_thread_locals(contextvars.copy_context())
        self._language = translation.get_language()
        self._timezone = timezone.get_current_timezone()

    def enter(self, threads: HandlerThreads, user: User) -> None:
        """Make the variables those of a task whose sync calls run in ``threads`` for ``user``."""
        self.variables.run(self._activate)
        self.variables.run(threads.enter, user)

    def _activate(self) -> None:
        """Make language and time zone what the view's were; defaults need no memory."""
        if timezone.get_current_timezone() is not self._timezone:
            timezone.activate(self._timezone)
        if translation.get_language() == self._language:
            return
        if self._language is None:
            translation.deactivate_all()
        else:
            translation.activate(self._language)


def _without_thread_locals(context: contextvars.Context) -> contextvars.Context:
    """Return the context without asgiref's ``Local``s, a third of an idle connection's memory.

    Their values are visible in the worker thread only.
    """
    result = contextvars.Context()
    for variable, value in context.items():
        if not hasattr(value, "thread_id"):
            result.run(variable.set, value)
    return result
