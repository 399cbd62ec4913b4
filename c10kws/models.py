"""``LiveConnection``: the model of the admin's page "Live connections", which has no table."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class NoRows(models.Manager["LiveConnection"]):
    """Manager that never asks the database, for commands such as ``dumpdata``."""

    def get_queryset(self) -> models.QuerySet[LiveConnection]:
        """Return nothing."""
        return super().get_queryset().none()


class LiveConnection(models.Model):
    """An open WebSocket. Its permissions are ``view`` and ``delete``, which closes it."""

    id = models.CharField(primary_key=True, max_length=60)
    user = models.CharField("primary key of the user", max_length=255, null=True)
    username = models.CharField("user", max_length=255, null=True)
    process = models.CharField(max_length=255)
    path = models.CharField(max_length=65535)
    endpoint = models.CharField(max_length=65535)
    address = models.CharField(max_length=255)
    age = models.FloatField()
    received = models.PositiveBigIntegerField()
    sent = models.PositiveBigIntegerField()
    dropped = models.PositiveBigIntegerField()
    queued = models.PositiveBigIntegerField()
    latency = models.FloatField(null=True)
    rooms = models.TextField()

    objects: ClassVar[NoRows] = NoRows()

    class Meta:
        managed = False
        base_manager_name = "objects"
        default_permissions = ("view", "delete")
        verbose_name = "live connection"
        verbose_name_plural = "live connections"

    def __str__(self) -> str:
        return f"{self.username or self.address} {self.path}"
