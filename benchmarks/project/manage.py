"""Django's command line, ``python -m benchmarks.project.manage``."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.project.settings")
    from django.core.management import execute_from_command_line

    from benchmarks import pauses
    from c10kws_tornado.process.inheritance import VARIABLE as WORKER

    if optimization := os.environ.get("BENCHMARKS_WITHOUT"):
        from benchmarks.project.without import leave_out

        leave_out(optimization)
    # The parent of workers has a log of its own.
    if pauses.VARIABLE in os.environ and WORKER in os.environ:
        pauses.log_collections(os.environ[pauses.VARIABLE])
    execute_from_command_line(sys.argv)
