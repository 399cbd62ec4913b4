"""``Progress``: one bar, its steps and its events."""

from __future__ import annotations

import time
from dataclasses import replace

from ..brokers.emission import Emission
from ..brokers.history import HistoryLimits
from ..brokers.message import Message
from ..emitting.emitter import Emitter
from .shared_state import SharedState
from .state import DONE, INIT, UPDATE, ProgressState, Range, check_range, plain_label, state_of

#: Messages that the broker keeps: clients see all steps in spite of a short interruption.
ROWS = 20
MAX_BYTES = 1024 * 1024
#: Seconds that a state is kept which is not forgotten: ten years.
FOREVER = 10 * 365 * 86400.0


class Progress:
    """One bar from ``min`` to ``max``. Its state is in the broker, for all processes.

    All methods may be called from any thread, and in any process. Those that return an awaitable
    return at once; it may be ignored, and when it is awaited, the events have been written to the
    clients of this process. The others wait for the answer of the broker, for at most TIMEOUT; in
    ``async def`` code use those that begin with ``a``.

    All raise :exc:`BrokerUnavailable`, those that return an awaitable only when it is awaited, or
    in a process that does not serve.
    """

    def __init__(
        self, range_: Range, emitter: Emitter, channel: str, timeout: float | None, forgets: bool
    ) -> None:
        """``forgets``: the state is deleted after ``timeout`` seconds without a change."""
        self._range = range_
        self._timeout = timeout
        self._forgets = forgets
        ttl = min(timeout, FOREVER) if forgets and timeout is not None else FOREVER
        self.channel = channel
        self.limits = HistoryLimits(ROWS, ttl, MAX_BYTES)
        self._shared = SharedState(emitter, channel, self.limits, self._read)

    @property
    def min(self) -> int:
        """The value before the first step."""
        return self._range.min

    @property
    def max(self) -> int:
        """The value after the last step."""
        return self._ask().max

    async def aget_max(self) -> int:
        """Return :attr:`max`, in a coroutine."""
        return (await self._ask_async()).max

    @property
    def value(self) -> int:
        """The current value. Setting it sends no event.

        Raises ValueError for a value that is not from ``min`` to ``max``.
        """
        return self._ask().value

    @value.setter
    def value(self, value: int) -> None:
        def change(state: ProgressState) -> ProgressState:
            if not state.min <= value <= state.max and not state.indeterminate:
                raise ValueError(f"value must be {state.min} to {state.max}, not {value}")
            return replace(state, count=value - state.min, events=())

        self._shared.ask(change)

    async def aget_value(self) -> int:
        """Return :attr:`value`, in a coroutine."""
        return (await self._ask_async()).value

    @property
    def indeterminate(self) -> bool:
        """True when ``min`` and ``max`` are equal, so that there is nothing to count."""
        return self._range.min == self._range.max

    def is_done(self) -> bool:
        """Return True when ``max`` is reached; an indeterminate bar is never done."""
        return self._ask().done

    async def ais_done(self) -> bool:
        """Return :meth:`is_done`, in a coroutine."""
        return (await self._ask_async()).done

    # Steps

    def start(self, max: int | None = None) -> bool:  # noqa: A002  (the ancestor's name)
        """Go back to ``min``, mark the job as running and return True; False if it runs already.

        ``max`` overrides that of the bar for this job. A job runs until ``stop()``, or until the
        bar's ``timeout`` has passed without a ``tick()``. This holds for all processes, so that two
        clicks start one job. When it returns True, ``init`` has been sent to the clients of this
        process; on the event loop use ``astart()`` for this.

        Raises ValueError when ``max`` is less than ``min``.
        """
        self._check_max(max)
        return self._shared.ask(lambda state: self._start(state, max), INIT)[1]

    async def astart(self, max: int | None = None) -> bool:  # noqa: A002
        """Do what :meth:`start` does, in a coroutine."""
        self._check_max(max)
        return (await self._shared.ask_async(lambda state: self._start(state, max), INIT))[1]

    def _check_max(self, maximum: int | None) -> None:
        check_range(self.min, self._range.max if maximum is None else maximum)

    def _start(self, state: ProgressState, maximum: int | None) -> ProgressState | None:
        if state.running:
            return None
        own = maximum is not None
        return ProgressState(
            *(self._range.min, self._range.max if maximum is None else maximum),
            own_max=own,
            running=True,
            events=(INIT,),
        )

    def stop(self) -> Emission:
        """Mark the job as ended, so that it can start again; the value stays."""

        def change(state: ProgressState) -> ProgressState | None:
            return replace(state, running=False, events=()) if state.running else None

        return self._shared.send(None, change)

    def reset(self) -> Emission:
        """Go back to ``min`` and send the state to the clients."""
        return self._shared.send(INIT, ProgressState.restart)

    def tick(self, label: str | None = None) -> Emission:
        """Advance the bar by one step and send its state. At ``max`` only the label changes.

        Raises TypeError and ValueError for a label that is not JSON-serializable.
        """
        plain = plain_label(label)
        return self._shared.send(UPDATE, lambda state: state.step(plain), plain)

    # Events

    def emit_init(self) -> Emission:
        """Send ``init`` to the clients."""
        return self._shared.send(INIT, lambda state: replace(state, events=(INIT,)))

    def emit_update(self, label: str | None = None) -> Emission:
        """Send ``update`` to the clients, and keep the label for new ones."""
        plain = plain_label(label)
        return self._shared.send(
            UPDATE, lambda state: replace(state, label=plain, events=(UPDATE,)), plain
        )

    def emit_done(self) -> Emission:
        """Send ``done`` to the clients, if the bar is done."""
        return self._shared.send(
            DONE, lambda state: replace(state, events=(DONE,)) if state.done else None
        )

    # The state

    def _ask(self) -> ProgressState:
        return self._shared.ask(_unchanged)[0]

    async def _ask_async(self) -> ProgressState:
        return (await self._shared.ask_async(_unchanged))[0]

    def _read(self, message: Message | None) -> ProgressState:
        """Return the state in the last message, in the range of the bar."""
        return self.shown(message).within(self._range)

    def shown(self, message: Message | None) -> ProgressState:
        """Return the state in the last message, as its sender has seen the range of the bar."""
        initial = ProgressState(self._range.min, self._range.max)
        if message is None:
            return initial
        state = state_of(message)
        if self._timeout is None or time.time() - state.time < self._timeout:
            return state
        return initial if self._forgets else replace(state, running=False)


def _unchanged(state: ProgressState) -> None:
    """Change nothing: only the answer counts."""
