"""The messages of the chat, and the people in its rooms."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Message(models.Model):
    """A line in a room. Lines are ordered by ``id``."""

    room = models.SlugField()
    name = models.CharField(max_length=40)
    text = models.CharField(max_length=1000)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.name} in {self.room}: {self.text}"


class Visitor(models.Model):
    """A window that shows a room. In the database, since each worker knows only its own clients."""

    room = models.SlugField()
    name = models.CharField(max_length=40)
    socket = models.CharField(max_length=32, unique=True)
    seen = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.name} in {self.room}"
