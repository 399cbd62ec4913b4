"""Make the database: ``python -m benchmarks.project.prepare``.

It gets Django's tables, one user and a session in which the user is logged in. Prints the key of
the session, which is the value of the cookie ``sessionid``.
"""

from __future__ import annotations

import os

import django


def main() -> None:
    """Make the database in the file that ``BENCHMARKS_DATABASE`` names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.project.settings")
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    client = Client()
    client.force_login(User.objects.create_user("reader", "reader@example.com", "a password"))
    print(client.cookies["sessionid"].value)


if __name__ == "__main__":
    main()
