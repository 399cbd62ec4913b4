"""Responses of errors."""

from __future__ import annotations

import logging
from html import escape
from http.client import responses

from django.core.handlers.exception import response_for_exception
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

logger = logging.getLogger("django.request")


def error_page(status: int, reason: str | None = None) -> HttpResponse:
    """Return a page with nothing but the status; with 503 the client may come back at once."""
    text = f"{status}: {escape(reason or responses.get(status, 'Unknown'))}"
    page = f"<!doctype html><title>{text}</title><h1>{text}</h1>\n"
    headers = {"Retry-After": "1"} if status == 503 else {}
    return HttpResponse(page, status=status, reason=reason, headers=headers)


def error_response(request: HttpRequest, error: BaseException) -> HttpResponseBase:
    """Return what Django answers to an exception of a view; it logs and tells of it as for views.

    Http404, PermissionDenied, BadRequest and SuspiciousOperation have their own status.
    """
    if not isinstance(error, Exception):  # Django handles nothing else
        error = RuntimeError(f"The view raised {error!r}.").with_traceback(error.__traceback__)
    try:
        raise error
    except Exception:  # the debug page looks at sys.exc_info()
        try:
            response: HttpResponseBase = response_for_exception(request, error)
            return response
        except BaseException:  # DEBUG_PROPAGATE_EXCEPTIONS, or an error page that fails
            logger.exception("%s: an exception without a page", request.path)
            return error_page(500)
