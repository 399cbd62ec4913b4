"""The tables of questions and choices."""

from __future__ import annotations

from typing import ClassVar

import django.utils.timezone
from django.db import migrations, models


def number() -> models.BigAutoField:
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


class Migration(migrations.Migration):
    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar = [
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", number()),
                ("text", models.CharField(max_length=200)),
                ("published", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"ordering": ("-published", "-id")},
        ),
        migrations.CreateModel(
            name="Choice",
            fields=[
                ("id", number()),
                ("text", models.CharField(max_length=200)),
                ("votes", models.PositiveIntegerField(default=0)),
                (
                    "question",
                    models.ForeignKey(
                        on_delete=models.CASCADE, related_name="choices", to="polls.question"
                    ),
                ),
            ],
            options={"ordering": ("id",)},
        ),
    ]
