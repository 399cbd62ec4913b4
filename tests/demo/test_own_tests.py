"""The tests of the demo, which use ``c10kws.test``."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.shell import ROOT, SOURCES


def test_the_demo_passes_its_tests() -> None:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "PYTHONPATH": SOURCES,
    }
    run = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "test"],
        cwd=ROOT / "demo",
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert "Ran 0 tests" not in run.stderr
