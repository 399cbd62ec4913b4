"""Differential tests of HTTP: the server, h11 and Tornado read the same bytes."""
