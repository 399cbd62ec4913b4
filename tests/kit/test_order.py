"""The order of tests does not matter: after a test of the kit, a plain TestCase does not serve."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from typing import Any

import django.test
import pytest

from c10kws.events import EmitHandlerError, EventSocket, paths
from c10kws.test import SimpleTestCase, without_server


@pytest.fixture
def cases() -> Iterator[dict[str, type[unittest.TestCase]]]:
    """One test case of the kit and one of Django; both emit, the first from ``setUpClass`` on."""
    chat = EventSocket("/order", add_to_handlers=False)

    class Kit(SimpleTestCase):
        @classmethod
        def setUpClass(cls) -> None:
            super().setUpClass()
            chat.emit("prepared")

        def runTest(self) -> None:  # noqa: N802
            self.client.get("/nowhere/")
            chat.emit("news")

    class Plain(django.test.SimpleTestCase):
        def runTest(self) -> None:  # noqa: N802
            with self.assertRaises(EmitHandlerError):
                chat.emit("news")

    yield {"kit": Kit, "plain": Plain}
    paths.remove(chat)


@pytest.mark.parametrize("order", [("kit", "plain", "kit"), ("plain", "kit", "plain")])
def test_each_case_serves_or_not_in_any_order(
    order: tuple[str, ...],
    cases: dict[str, type[unittest.TestCase]],
    settings: Any,
) -> None:
    settings.C10KWS = {"EMIT_WITHOUT_SERVER": "raise"}
    result = unittest.TestResult()
    with without_server():
        unittest.TestSuite(cases[name]() for name in order).run(result)
    assert result.testsRun == len(order)
    assert result.errors + result.failures == []
