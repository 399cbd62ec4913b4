"""Brokers carry messages between the processes of a site; ``docs/reference/brokers.rst``."""

from __future__ import annotations
