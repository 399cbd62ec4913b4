"""The health check for load balancers, containers and Kubernetes.

In the URLconf: ``path("healthz/", include("c10kws.health"))``.
"""

from __future__ import annotations

from django.urls import path

from .views import health

app_name = "c10kws-health"
urlpatterns = [path("", health, name="health")]
