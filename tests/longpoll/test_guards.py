"""Calls of functions of the application: their exceptions go where they belong."""

from __future__ import annotations

import asyncio

import pytest

from c10kws.longpoll.guards import call_and_log, guard


def test_exceptions_of_a_function_and_of_a_coroutine_go_to_the_guard() -> None:
    errors: list[BaseException] = []

    def double(number: int) -> int:
        return 2 * number // number

    async def double_later(number: int) -> int:
        return double(number)

    assert guard(double, errors.append)(3) == 2
    assert guard(double, errors.append)(0) is None
    assert asyncio.run(guard(double_later, errors.append)(3)) == 2
    assert asyncio.run(guard(double_later, errors.append)(0)) is None
    assert [type(error) for error in errors] == [ZeroDivisionError] * 2


def test_a_cancellation_passes_the_guard() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        task = asyncio.create_task(guard(wait, errors.append)())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    errors: list[BaseException] = []
    asyncio.run(scenario())
    assert errors == []


def test_sys_exit_in_a_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def leave() -> None:
        raise SystemExit(3)

    call_and_log(leave)
    (record,) = caplog.records
    assert "A callback of an @asynchronous view failed" in record.getMessage()
    assert record.exc_info
