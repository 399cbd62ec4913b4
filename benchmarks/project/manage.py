"""Django's command line, ``python -m benchmarks.project.manage``.

``BENCHMARKS_UVLOOP=1`` puts asyncio on uvloop, as a line in a project's ``manage.py`` would.
"""

from __future__ import annotations

import asyncio
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.project.settings")
    if os.environ.get("BENCHMARKS_UVLOOP"):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
