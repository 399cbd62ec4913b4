"""The table of the people in the talk."""

from __future__ import annotations

from typing import ClassVar

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar = [
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=32, unique=True)),
                ("nick", models.CharField(max_length=30)),
                ("folded", models.CharField(max_length=90, unique=True)),
                ("seen", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
    ]
