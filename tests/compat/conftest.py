"""The fixtures of the event layer's tests; what a test makes is forgotten after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from c10kws.events import paths
from tests.events.conftest import connect  # noqa: F401  (fixture)
from tests.library.conftest import (  # noqa: F401  (fixtures)
    django_db_modify_db_settings,
    lane_of_the_run,
    live,
    make_live,
)


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    before = set(paths.endpoints())
    yield
    for endpoint in set(paths.endpoints()) - before:
        paths.remove(endpoint)
