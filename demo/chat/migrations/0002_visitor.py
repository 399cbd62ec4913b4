"""The table of the people in the rooms."""

from __future__ import annotations

from typing import ClassVar

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("chat", "0001_message")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Visitor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("room", models.SlugField()),
                ("name", models.CharField(max_length=40)),
                ("socket", models.CharField(max_length=32, unique=True)),
                ("seen", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
    ]
