"""Questions and their choices."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Question(models.Model):
    """A question, which is shown from ``published`` on."""

    text = models.CharField(max_length=200)
    published = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-published", "-id")

    def __str__(self) -> str:
        return self.text


class Choice(models.Model):
    """An answer, with its number of votes."""

    question = models.ForeignKey(Question, models.CASCADE, related_name="choices")
    text = models.CharField(max_length=200)
    votes = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.text
