"""A table to read from handlers."""

from __future__ import annotations

from django.db import models


class Row(models.Model):
    """A number."""

    number = models.IntegerField()
