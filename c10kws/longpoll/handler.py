"""``Handler``: what an ``@asynchronous`` view says to its client, by the names of Tornado.

Its methods may be called from any thread; ``request`` has the names of Tornado's request.
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn, overload

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date
from django.utils.module_loading import import_string

from .. import conf
from ..exceptions import ClientDisconnected
from .callbacks import guarded
from .chunks import Chunks, Sent
from .equivalents import HANDLER, explain
from .errors import error_page
from .pending import Pending
from .request import Request, text_of

REQUIRED: Final = object()

Chunk = str | bytes | Mapping[str, Any]


class Handler:
    """The second argument of an ``@asynchronous`` view.

    Every method of Tornado's RequestHandler that is not here raises an AttributeError that names
    what Django has in its place (``docs/reference/longpoll.rst``).
    """

    __slots__ = ("_django", "_head", "_lock", "_parts", "_request", "pending")

    def __init__(self, request: HttpRequest, pending: Pending) -> None:
        self.pending = pending
        self._django = request
        self._request: Request | None = None
        self._head: HttpResponse | None = None
        self._parts: list[bytes] = []
        self._lock = threading.RLock()  # no thread sends, or loses, data of another

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(explain("handler", name, HANDLER))

    @property
    def request(self) -> Request:
        """The request, with Tornado's names; Django's is the view's first argument."""
        if self._request is None:
            self._request = Request(self._django, self.pending)
        return self._request

    # The body

    def write(self, chunk: Chunk) -> None:
        """Add to what ``flush()`` or ``finish()`` sends: text, bytes, or a dictionary as JSON.

        RuntimeError after ``finish()``; TypeError for anything else, lists too.
        """
        self.pending.check_unfinished("write")
        if isinstance(chunk, Mapping):
            if not self.pending.begun:
                self.set_header("Content-Type", "application/json")
            chunk = json.dumps(chunk, cls=import_string(conf.current().json_encoder))
        if not isinstance(chunk, (str, bytes)):
            raise TypeError(f"expected str, bytes or a dictionary, not {type(chunk).__name__}")
        if chunk and not self.pending.closed:
            data = chunk.encode() if isinstance(chunk, str) else chunk
            with self._lock:
                self._parts.append(data)

    def flush(self, include_footers: bool = False) -> Sent:
        """Send what is written now; the head goes out with the first call.

        Awaited on the server's loop, it waits until all of it was sent, and raises
        :exc:`~c10kws.ClientDisconnected` if the client has disconnected. If it is not awaited, up
        to MAX_QUEUE_BYTES are queued for a client that reads slowly; the next flush then cuts the
        response.
        """
        with self._lock:
            self.pending.check_unfinished("flush")
            return self._flush(self.pending.chunks or self._begin())

    def _begin(self) -> Chunks:
        head = self._take_head()
        response = StreamingHttpResponse(
            (), status=head.status_code, reason=head.reason_phrase, headers=head.headers
        )
        response.cookies = head.cookies
        chunks = Chunks(self.pending.loop, conf.current().max_queue_bytes)
        return self.pending.begin(response, chunks)

    def _flush(self, chunks: Chunks) -> Sent:
        self.pending.touch()
        if not chunks.put(self._take_body()):
            reason = "the client reads too slowly: more than MAX_QUEUE_BYTES are queued"
            self.pending.cut(ClientDisconnected(reason))
        return Sent(chunks)

    def finish(self, chunk: Chunk | HttpResponseBase | None = None) -> Sent:
        """Send the response; RuntimeError the second time.

        An HttpResponse keeps its status, headers and cookies, and gets those that were set here
        and that it does not name. When the client has left nothing happens.
        """
        self.pending.check_unfinished("finish")
        if isinstance(chunk, HttpResponseBase):
            if callable(render := getattr(chunk, "render", None)):
                render()
            self.take(chunk)
            return Sent(None)
        with self._lock:
            self.pending.check_unfinished("finish")
            if chunk is not None:
                self.write(chunk)
            return self._finish()

    def _finish(self) -> Sent:
        if self.pending.chunks is not None:
            sent = self._flush(self.pending.chunks)
            self.pending.finish()
            return sent
        response = self._take_head()
        response.content = self._take_body()
        _check_body(response)
        self.pending.finish(response)
        return Sent(None)

    def take(self, response: object) -> None:
        """Finish with what the view has returned. TypeError if it is no HttpResponse."""
        if not isinstance(response, HttpResponseBase):
            raise TypeError(
                "expected an @asynchronous view to return an HttpResponse, or None when "
                f"handler.finish() comes later, not {response!r}"
            )
        if self.pending.begun and not self.pending.closed:
            raise RuntimeError("expected no HttpResponse after flush(): the head is sent already")
        if self._head is not None:
            _complete(response, self._head)
        self.pending.finish(response)

    def _take_body(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)

    def _take_head(self) -> HttpResponse:
        head = self._head or HttpResponse()
        head.headers.setdefault("Content-Type", f"text/html; charset={head.charset}")
        return head

    # The head

    @property
    def _open_head(self) -> HttpResponse:
        """The head so far, without a Content-Type of its own."""
        self.pending.check_unfinished("set_…")
        if self.pending.begun:
            raise RuntimeError("expected this before flush(): the head is sent already")
        if self._head is None:
            self._head = HttpResponse()
            del self._head.headers["Content-Type"]
        return self._head

    def get_status(self) -> int:
        """Return the status of the response, 200 at first."""
        return 200 if self._head is None else self._head.status_code

    def set_status(self, status_code: int, reason: str | None = None) -> None:
        """Set the status, a final one."""
        if not 200 <= status_code < 600:
            raise ValueError(f"expected a status from 200 to 599, not {status_code!r}")
        head = self._open_head
        head.status_code = status_code
        # Without one Django finds it by the status.
        head._reason_phrase = reason  # type: ignore[attr-defined]

    def set_header(self, name: str, value: str | bytes | int | datetime) -> None:
        """Set a header, in place of what was set under this name."""
        self._open_head.headers[name] = _as_value(name, value)

    def add_header(self, name: str, value: str | bytes | int | datetime) -> None:
        """Add a value to a header, behind a comma (RFC 9110 §5.3)."""
        headers = self._open_head.headers
        new = _as_value(name, value)
        headers[name] = f"{headers[name]}, {new}" if name in headers else new

    def clear_header(self, name: str) -> None:
        """Remove a header that was set."""
        self._open_head.headers.pop(name, None)

    def set_cookie(
        self,
        name: str,
        value: str | bytes,
        domain: str | None = None,
        expires: float | datetime | str | None = None,
        path: str = "/",
        expires_days: float | None = None,
        **attributes: Any,
    ) -> None:
        """Set a cookie; the other attributes are those of ``HttpResponse.set_cookie``."""
        if isinstance(expires, (int, float)):
            expires = datetime.fromtimestamp(expires, UTC)
        if expires is None and expires_days is not None:
            expires = datetime.now(UTC) + timedelta(days=expires_days)
        text = value.decode() if isinstance(value, bytes) else value
        self._open_head.set_cookie(
            name, text, domain=domain, expires=expires, path=path, **attributes
        )

    # Whole responses

    def redirect(self, url: str, permanent: bool = False, status: int | None = None) -> None:
        """Finish with a redirect: 302, 301 when it is permanent, or another ``status``."""
        code = status or (301 if permanent else 302)
        if not 300 <= code < 400:
            raise ValueError(f"expected a status from 300 to 399, not {status!r}")
        response = HttpResponseRedirect(url)
        response.status_code = code
        self.finish(response)

    def send_error(self, status_code: int = 500, reason: str | None = None) -> None:
        """Finish with a page that says no more than the status; what was written is dropped.

        A response that has begun is cut.
        """
        self.pending.check_unfinished("send_error")
        if self.pending.begun:
            cut = f"the response was cut by send_error({status_code})"
            self.pending.cut(ClientDisconnected(cut))
            return
        self._head = None
        self._parts = []
        self.finish(error_page(status_code, reason))

    # The request

    def get_argument(self, name: str, default: Any = REQUIRED, strip: bool = True) -> Any:
        """Return the last value of an argument of query or body.

        Without a default, BadRequest (Django answers 400) when it is missing.
        """
        values = self.get_arguments(name, strip)
        if values:
            return values[-1]
        if default is REQUIRED:
            raise BadRequest(f"Missing argument {name}")
        return default

    def get_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Return all values of an argument, without control characters."""
        return [text_of(value, strip) for value in self.request.arguments.get(name, ())]

    # Callbacks

    def on_connection_close(self, callback: Callable[[], object]) -> None:
        """Call back once, in a thread of the pool, if the response ends without ``finish()``."""
        if iscoroutinefunction(callback) or not callable(callback):
            raise TypeError(f"expected a plain function to call back, not {callback!r}")
        self.pending.add_callback(callback)

    @overload
    def async_callback(self, callback: None, *args: Any, **kwargs: Any) -> None: ...
    @overload
    def async_callback(
        self, callback: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Callable[..., Any]: ...
    def async_callback(
        self, callback: Callable[..., Any] | None, *args: Any, **kwargs: Any
    ) -> Callable[..., Any] | None:
        """Return ``callback`` with these arguments, whose exceptions end the response.

        As in a view: they are logged, and the client gets 500, or what Http404 and such stand for.
        """
        if callback is None:
            return None
        return guarded(functools.partial(callback, *args, **kwargs), self.pending.fail)


def _as_value(name: str, value: str | bytes | int | datetime) -> str:
    if name.lower() == "set-cookie":
        raise ValueError("expected set_cookie() for a cookie")
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return http_date(value.timestamp()) if isinstance(value, datetime) else str(value)


def _check_body(response: HttpResponse) -> None:
    """RFC 9110 §15.3.5 and §15.4.5."""
    if response.status_code not in (204, 304):
        return
    if response.content:
        raise ValueError(f"expected no body in a response of status {response.status_code}")
    response.headers.pop("Content-Type", None)


def _complete(response: HttpResponseBase, head: HttpResponse) -> None:
    """Give a response what was set on the handler and it does not name."""
    for name, value in head.items():
        response.headers.setdefault(name, value)
    for name, cookie in head.cookies.items():
        response.cookies.setdefault(name, cookie)
