"""Functions that are bound to events, and their arguments."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from c10kws.events import (
    EventAlreadyBound,
    EventSocket,
    NotCallableError,
    Socket,
)
from tests.support.events import Connect, Make


def test_a_callback_is_named_by_its_function_or_by_its_argument(
    chat: EventSocket, connect: Connect
) -> None:
    def shout(data: dict[str, Any]) -> str:
        return str(data["word"]).upper()

    assert chat.on(shout) is shout
    assert chat.on("to-shout")(shout) is shout
    with connect() as client:
        assert client.ask("shout", {"word": "a"}) == "A"
        assert client.ask("to-shout", {"word": "b"}) == "B"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_callback_gets_the_arguments_that_it_has_parameters_for(
    chat: EventSocket, connect: Connect, kind: str
) -> None:
    context = chat.context = object()
    seen: list[Any] = []

    if kind == "sync":

        @chat.on
        def everything(data: Any, socket: Any, self: Any, other: int = 1) -> None:
            seen.append((self, socket, data, threading.current_thread()))

        @chat.on
        def nothing() -> None:
            seen.append(())
    else:

        @chat.on("everything")
        async def everything_async(data: Any, socket: Any, self: Any, other: int = 1) -> None:
            seen.append((self, socket, data, threading.current_thread()))

        @chat.on("nothing")
        async def nothing_async() -> None:
            seen.append(())

    with connect() as client:
        assert client.ask("everything", {"a": 1}) == {}
        assert client.ask("nothing") == {}
        (self, socket, data, thread), nothing_at_all = seen
        assert self is context
        assert (socket, data, nothing_at_all) == (chat[0], {"a": 1}, ())
        assert thread.name.startswith("c10kws-handler") is (kind == "sync")


def test_a_function_that_cannot_be_bound_raises_where_it_is_bound(make: Make) -> None:
    chat = make("/refusing")
    with pytest.raises(NotCallableError) as not_callable:
        chat.on(3)  # type: ignore[call-overload]
    assert not_callable.value.thing == 3
    with pytest.raises(NotCallableError, match="None"):
        chat.on("name")(None)  # type: ignore[type-var]
    chat.on("name")(lambda: None)
    with pytest.raises(EventAlreadyBound, match="'name' of '/refusing'") as bound:
        chat.on("name")(lambda: None)
    assert (bound.value.event, bound.value.path) == ("name", "/refusing")
    assert isinstance(bound.value, NameError)
    for name in ("ws:mine", "error", "connect"):
        with pytest.raises(ValueError, match=name):
            chat.on(name)(lambda: None)
    for function in (lambda sockt: None, lambda sockt, /: None, lambda data, *, sockt: None):
        with pytest.raises(TypeError, match="unsupported parameter 'sockt'; use any of: self, so"):
            chat.on("typo")(function)
    with pytest.raises(TypeError, match=r"'data' of .* is positional-only"):
        chat.on("typo")(lambda data, /: None)
    with pytest.raises(TypeError, match=r'Write @on or @on\("name"\), not @on\(\)'):
        chat.on()  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"Write @may_join, not @may_join\(\)"):
        chat.may_join()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"'f' .* the socket and the name of a room"):

        @chat.may_join
        def f(socket: Socket) -> bool:
            return True
