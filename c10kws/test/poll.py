"""``Poll``: the response of an ``@asynchronous`` view, which may come later."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.test import Client

from ..longpoll.pending_response import PendingResponse
from ..longpoll.placeholder import Placeholder
from .stage import Stage

#: Attributes that Django's client adds to a response.
EXTRAS = ("client", "context", "request", "resolver_match", "templates", "wsgi_request")


class Poll:
    """Returned by ``client.poll(path)``. The view's coroutine runs only while the test waits."""

    def __init__(
        self,
        client: Client,
        stage: Stage,
        response: Any,
        timeout: float,
        release: Callable[[], None],
    ) -> None:
        self._client = client
        self._stage = stage
        self._response = response
        self._timeout = timeout
        self._release = release
        if isinstance(response, Placeholder):
            self._task = stage.loop.create_task(_receive(response.pending))
            self._task.add_done_callback(lambda _: stage.change())
            stage.run_until(lambda: True, timeout)
        else:
            release()

    def done(self, timeout: float = 0.05) -> bool:
        """Return True if the response is there, or comes within ``timeout`` seconds."""
        if not isinstance(self._response, Placeholder):
            return True
        return self._stage.run_until(self._task.done, timeout)

    def result(self) -> Any:
        """Wait for the response and return it, as ``client.get`` does.

        Raises AssertionError when none comes within the timeout.
        """
        if isinstance(self._response, Placeholder):
            placeholder = self._response
            if not self._stage.run_until(self._task.done, self._timeout):
                self.leave()
                raise AssertionError(f"No response came within {self._timeout:g} seconds.")
            self._response = self._make(placeholder, *self._task.result())
            self._close(placeholder)
        return self._response

    def leave(self) -> None:
        """Disconnect without waiting for the response."""
        if isinstance(self._response, Placeholder):
            placeholder, self._response = self._response, None
            self._task.cancel()
            self._stage.run_until(self._task.done, self._timeout)
            self._close(placeholder)

    def _close(self, placeholder: Placeholder) -> None:
        """Iterate over the placeholder, so that Django's client closes it; release the client."""
        for _ in placeholder:
            pass
        self._stage.run_until(lambda: True, self._timeout)
        self._release()

    def _make(
        self, placeholder: Any, status: str, headers: list[tuple[str, str]], body: Any
    ) -> HttpResponse:
        """Return the response that a server would send."""
        final = placeholder.pending.response
        response: Any = HttpResponse(b"".join(body), status=int(status[:3]), reason=status[4:])
        named = {name.lower() for name, _ in headers} | {"content-type"}
        del response.headers["Content-Type"]
        kept = [(name, value) for name, value in placeholder.items() if name.lower() not in named]
        for name, value in kept + [each for each in headers if each[0] != "Set-Cookie"]:
            response.headers[name] = value
        for cookies in (placeholder.cookies, final.cookies):
            response.cookies.update(cookies)
            self._client.cookies.update(cookies)
        for name in EXTRAS:
            setattr(response, name, getattr(placeholder, name))
        response.json = functools.partial(placeholder.json.func, response)
        return response  # type: ignore[no-any-return]


async def _receive(pending: PendingResponse) -> tuple[str, list[tuple[str, str]], Any]:
    status, headers, body = await pending
    if hasattr(body, "__aiter__"):
        body = [chunk async for chunk in body]
    return status, headers, body
