"""All that differs between the releases which c10kws goes with; nothing else asks for a version.

``docs/explanation/compatibility.rst`` names it too.
"""

from __future__ import annotations

import sys
from typing import Any

import django
import pytest
import tornado

#: Django 6.0 deprecates pairs of a name and an address in ADMINS, and 5.2 takes nothing else.
ADMINS: list[Any] = ["a@example.com"] if django.VERSION >= (6, 0) else [("a", "a@example.com")]

#: Names of RequestHandler that tornado 6.5 has not.
NEWER_NAMES = {"check_trusted_origin"} if tornado.version_info < (6, 6) else set()

#: The HTTP parser of tornado 6.5, a peer in tests, reads folded fields, and closes without a
#: response after a chunk without CRLF.
reads_strictly = tornado.version_info >= (6, 6)

#: Django 6.1 warns that a project without MAILERS sends no mail from Django 2028 on, and its own
#: handler of log records sends one.
mails_without_mailers = pytest.mark.filterwarnings("ignore:Django 2028 will not have a default")

#: asyncio's own transport pauses no writer after writelines() (CVE-2024-12254). That of the server
#: does; only servers that hand asyncio's to c10kws are concerned.
asyncio_pauses_writers = not (
    (3, 12) <= sys.version_info < (3, 12, 9) or (3, 13) <= sys.version_info < (3, 13, 2)
)
