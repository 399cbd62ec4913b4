"""The end of a command of this repository."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn


def launch(main: Callable[[], int]) -> NoReturn:
    """Call ``main`` and exit with the status that it returns, or with 130 after Ctrl-C."""
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
