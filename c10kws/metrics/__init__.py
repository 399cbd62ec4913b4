"""Metrics for Prometheus, of all workers of this server.

In the URLconf: ``path("metrics/", include("c10kws.metrics"))``. This needs prometheus_client, from
``pip install c10kws[metrics]``.
"""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.urls import path

from .publisher import measure_from_now_on

try:
    from .collector import Collector
except ImportError as error:
    raise ImproperlyConfigured(
        'include("c10kws.metrics") needs prometheus_client; run: pip install c10kws[metrics]'
    ) from error
from .views import metrics

__all__ = ["Collector", "metrics"]

app_name = "c10kws-metrics"
urlpatterns = [path("", metrics, name="metrics")]
measure_from_now_on()
