"""The demo under a real ``manage.py runtornado``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrix.demo import Demo
from matrix.visitor import Visitor
from tests.processes import ADDRESS

ROOT = Path(__file__).parents[2]
PATH = os.pathsep.join([str(ROOT), str(ROOT / "servers")])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo with a fresh database."""
    demo = Demo(Path(sys.executable), tmp_path_factory.mktemp("demo"), {"PYTHONPATH": PATH})
    demo.prepare()
    return demo


@pytest.fixture(scope="module")
def port(demo: Demo) -> Iterator[int]:
    """Where it is served."""
    with demo.serve() as port:
        yield port


@pytest.fixture
def address(port: int) -> str:
    """Its URL, without a slash at the end."""
    return f"http://{ADDRESS}:{port}"


@pytest.fixture
def visitor(address: str) -> Visitor:
    """Somebody who has not been there yet."""
    return Visitor(address)
