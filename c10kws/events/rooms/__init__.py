"""Rooms: the clients in each of them, and signed names with which a client may join."""
