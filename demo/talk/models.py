"""The people in the talk."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Session(models.Model):
    """A window of a visitor. In the database, since each request may reach another worker."""

    key = models.CharField(max_length=32, unique=True)
    nick = models.CharField(max_length=30)
    #: The nick in small letters.
    folded = models.CharField(max_length=90, unique=True)
    seen = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.nick
