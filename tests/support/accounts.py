"""Users who have logged in."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client


def logged_in(username: str) -> Client:
    """Return a client of a new user."""
    User.objects.create_user(username, password="x")
    client = Client()
    assert client.login(username=username, password="x")
    return client


def cookies(client: Client) -> dict[str, str]:
    """Return the header that carries the client's session."""
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}
