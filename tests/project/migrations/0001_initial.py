"""The table of the ORM tests."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []  # noqa: RUF012
    operations = [  # noqa: RUF012
        migrations.CreateModel(
            "Row",
            [("id", models.BigAutoField(primary_key=True)), ("number", models.IntegerField())],
        )
    ]
