"""All that differs between the releases which c10kws goes with; nothing else asks for a version.

``docs/compatibility.rst`` names it too.
"""

from __future__ import annotations

from typing import Any

import django

#: Django 6.0 deprecates pairs of a name and an address in ADMINS, and 5.2 takes nothing else.
ADMINS: list[Any] = ["a@example.com"] if django.VERSION >= (6, 0) else [("a", "a@example.com")]
