"""The view of the health check."""

from __future__ import annotations

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from ..hijack import PROBLEMS
from .readiness import CHECKS


@non_atomic_requests  # with ATOMIC_REQUESTS the view would need the database
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Respond with 200, or with 503 and the problems of the server.

    ``?ready`` also runs the checks of ``readiness``, unless the server has problems already. A
    server that does not report its problems has none.
    """
    report = request.META.get(PROBLEMS)
    problems = {} if report is None else dict(report())
    if not problems and "ready" in request.GET:
        found = [(check.name, check.find_problem()) for check in CHECKS]
        problems = {name: problem for name, problem in found if problem is not None}
    return JsonResponse(
        {"status": "unavailable" if problems else "ok", "problems": problems},
        status=503 if problems else 200,
        headers={"Cache-Control": "no-store"},
    )
