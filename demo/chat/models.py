"""The messages of the chat."""

from __future__ import annotations

from django.db import models


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
