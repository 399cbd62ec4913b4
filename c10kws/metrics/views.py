"""The view of the metrics."""

from __future__ import annotations

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from ..handlers.servers import servers
from ..hijack import Contract
from .collector import Collector

#: A registry of our own: the metrics of the project are not changed.
registry = CollectorRegistry()
registry.register(Collector())


@non_atomic_requests
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of all workers, in the format that the client accepts."""
    contract = Contract.from_environ(request.META)
    if contract is not None:
        servers.state_of(contract)  # its workers are known from now on
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)
