"""``SharedState``: the state of one bar, in the broker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import NoReturn

from django.core.exceptions import SynchronousOnlyOperation

from ...connection.loop import on_event_loop
from ...handlers.servers import servers
from ..brokers.base import Broker, Feature
from ..brokers.emission import Emission
from ..brokers.history import HistoryLimits
from ..brokers.message import Message, Outcome
from ..emitting.emitter import Emitter, no_answer
from ..exceptions import BrokerUnavailable
from .state import ProgressState

ON_A_LOOP = (
    "This asks the broker for the state of the progress bar, and would block the event loop. "
    "Await astart(), aget_value(), aget_max() or ais_done() instead, or use sync_to_async()."
)

#: Returns a new state for the last one, or None for no change.
StateChange = Callable[[ProgressState], ProgressState | None]


class SharedState:
    """Changes the state in one atomic step for all processes.

    ``read`` returns the state in the last message; it gets None if there is none.
    """

    def __init__(
        self,
        emitter: Emitter,
        channel: str,
        limits: HistoryLimits,
        read: Callable[[Message | None], ProgressState],
    ) -> None:
        self._emitter = emitter
        self._channel = channel
        self._limits = limits
        self._read = read

    def send(self, event: str | None, change: StateChange, label: object = None) -> Emission:
        """Change the state, and return at once; ``event`` is that of the change, if it has one.

        A process that does not serve waits for the answer of the broker. Raises
        :exc:`BrokerUnavailable` there, and :exc:`EmitHandlerError`.
        """
        broker, emission = self._begin(event)
        size = 0 if label is None else len(str(label))
        result = self._update(broker, change, emission, size)
        if not servers.serving and not on_event_loop():
            _wait(broker, result, emission)
        return emission

    def ask(self, change: StateChange, event: str | None = None) -> tuple[ProgressState, bool]:
        """Change the state, wait for the answer of the broker, and for the clients of this process.

        Return the state after it, and True if it was changed. Raises :exc:`BrokerUnavailable`, and
        SynchronousOnlyOperation on an event loop, unless the broker is that of one process; then
        the events are sent later.
        """
        broker, emission = self._begin(event)
        if on_event_loop() and Feature.PROCESSES in broker.features:
            raise SynchronousOnlyOperation(ON_A_LOOP)
        outcome = _wait(broker, self._update(broker, change, emission), emission)
        if not on_event_loop():
            with suppress(TimeoutError, BrokerUnavailable):  # the state is changed nevertheless
                emission.result(broker.timeout)
        return self._state_of(outcome)

    async def ask_async(
        self, change: StateChange, event: str | None = None
    ) -> tuple[ProgressState, bool]:
        """Do the same in a coroutine."""
        broker, emission = self._begin(event)
        result = self._update(broker, change, emission)
        try:
            async with asyncio.timeout(broker.timeout):
                outcome = await asyncio.wrap_future(result)
        except TimeoutError:
            _give_up(broker, emission)
        with suppress(TimeoutError, BrokerUnavailable):
            async with asyncio.timeout(broker.timeout):
                await emission
        return self._state_of(outcome)

    def _begin(self, event: str | None) -> tuple[Broker, Emission]:
        if event is not None:
            self._emitter.reaches_clients(event)
        return self._emitter.broker, Emission()

    def _update(
        self, broker: Broker, change: StateChange, emission: Emission, size: int = 0
    ) -> Future[Outcome]:
        def change_message(last: Message | None) -> Message | None:
            state = change(self._read(last))
            return None if state is None else state.message()

        return broker.update(self._channel, change_message, self._limits, emission, size)

    def _state_of(self, outcome: Outcome) -> tuple[ProgressState, bool]:
        last = outcome.last
        return self._read(None if last is None else last.message), outcome.changed


def _wait(broker: Broker, result: Future[Outcome], emission: Emission) -> Outcome:
    try:
        return result.result(broker.timeout)
    except TimeoutError:
        _give_up(broker, emission)


def _give_up(broker: Broker, emission: Emission) -> NoReturn:
    error = no_answer(broker)
    emission.fail(error)  # it is not sent any more
    raise error from None
