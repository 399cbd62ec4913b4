"""``manage.py demouser``: a user to log in as."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

NAME = PASSWORD = "demo"


class Command(BaseCommand):
    """Create the user demo with the password demo, while DEBUG is on."""

    help = "Creates the user demo with the password demo (only while DEBUG is on)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("A user with a known password is created only while DEBUG is on.")
        users = get_user_model()._default_manager
        if not users.filter(username=NAME).exists():
            users.create_user(NAME, password=PASSWORD)
