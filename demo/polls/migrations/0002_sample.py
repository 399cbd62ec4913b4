"""A first question, so that the pages have something to show."""

from __future__ import annotations

from typing import ClassVar

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

QUESTION = "What goes with the tea?"
CHOICES = ("Biscuits", "Lemon", "Another tea")


def ask(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    question = apps.get_model("polls", "Question").objects.create(text=QUESTION)
    for text in CHOICES:
        question.choices.create(text=text)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("polls", "0001_initial")]
    operations: ClassVar = [migrations.RunPython(ask, migrations.RunPython.noop)]
