"""The demo under a real ``manage.py runtornado``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from matrix.demo import Demo
from matrix.visitor import Visitor
from tests.support.demos import demo_in
from tools.processes import ADDRESS


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo with a fresh database."""
    demo = demo_in(tmp_path_factory.mktemp("demo"))
    demo.prepare()
    return demo


@pytest.fixture(scope="module")
def port(demo: Demo) -> Iterator[int]:
    """The port of the demo."""
    with demo.serve() as port:
        yield port


@pytest.fixture
def address(port: int) -> str:
    """The URL of the demo, without a slash at the end."""
    return f"http://{ADDRESS}:{port}"


@pytest.fixture
def visitor(address: str) -> Visitor:
    """A visitor without cookies."""
    return Visitor(address)
