"""Responses to errors of an ``@asynchronous`` view."""

from __future__ import annotations

import logging
from html import escape
from http.client import responses
from math import ceil

from django.core.handlers.exception import response_for_exception
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.encoding import escape_uri_path

logger = logging.getLogger("django.request")


def status_page(
    status: int, reason: str | None = None, *, retry_after: float = 1.0
) -> HttpResponse:
    """Return a page that contains only the status. With 503, it has a Retry-After."""
    text = f"{status}: {escape(reason or responses.get(status, 'Unknown'))}"
    page = f"<!doctype html><title>{text}</title><h1>{text}</h1>\n"
    # Whole seconds (RFC 9110 §10.2.3), and at least one: clients retry in a loop.
    headers = {"Retry-After": str(max(1, ceil(retry_after)))} if status == 503 else {}
    return HttpResponse(page, status=status, reason=reason, headers=headers)


def exception_response(request: HttpRequest, error: BaseException) -> HttpResponseBase:
    """Return Django's response to an exception of a view; Django also reports the exception.

    Http404, PermissionDenied, BadRequest and SuspiciousOperation have a status of their own.
    """
    if not isinstance(error, Exception):  # Django handles no other exceptions
        error = RuntimeError(f"The view raised {error!r}.").with_traceback(error.__traceback__)
    try:
        raise error
    except Exception:  # the debug page reads sys.exc_info()
        try:
            response: HttpResponseBase = response_for_exception(request, error)
            return response
        except BaseException:  # DEBUG_PROPAGATE_EXCEPTIONS is True, or the error page failed
            path = escape_uri_path(request.path)
            logger.exception("%s: Django has no response to an exception; sent 500.", path)
            return status_page(500)
