"""Tornado's names of handlers and requests: each is here, or the manual has Django's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.exceptions import BadRequest
from django.test import RequestFactory
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.web import Application, RequestHandler

from c10kws.longpoll import Handler
from tests.differences import NEWER_NAMES
from tests.support.shell import ROOT

REFERENCE = ROOT / "docs" / "reference"
MANUAL = (REFERENCE / "longpoll.rst").read_text()
NAMES = (REFERENCE / "tornado-names.rst").read_text()


def make_handler(path: str = "/", **options: Any) -> Handler:
    factory = RequestFactory()
    request = factory.post(path, **options) if options else factory.get(path)
    pending: Any = None
    return Handler(request, pending)


def tornados() -> RequestHandler:
    """Make one of Tornado, for the attributes of its instances."""

    class Connection:
        def set_close_callback(self, callback: object) -> None:
            """Do nothing: no client leaves."""

    line = RequestStartLine("GET", "/", "HTTP/1.1")
    headers = HTTPHeaders({"Host": "localhost"})
    connection: Any = Connection()
    request = HTTPServerRequest(start_line=line, headers=headers, connection=connection)
    return RequestHandler(Application(), request)


def public(*owners: object) -> list[str]:
    return sorted({name for owner in owners for name in dir(owner) if not name.startswith("_")})


def equivalents(table: str) -> set[str]:
    """Return the names in the first column of a table of the manual."""
    return set(re.findall(r"(?m)^    \* - ``(\w+)``\n      - \S", table))


HANDLER, REQUEST = map(equivalents, NAMES.split(".. list-table::")[1:])


@pytest.mark.parametrize("name", public(RequestHandler, tornados()))
def test_a_name_of_tornados_handler(name: str) -> None:
    if hasattr(Handler, name):
        assert name not in HANDLER
        assert re.search(rf"    (:members:.* |\.\. attribute:: ){name}\b", MANUAL)
    else:
        assert name in HANDLER


@pytest.mark.parametrize("name", public(HTTPServerRequest, tornados().request))
def test_a_name_of_tornados_request(name: str) -> None:
    request = make_handler().request
    assert (name in REQUEST) is not hasattr(request, name)


def test_no_equivalent_of_what_tornado_has_not() -> None:
    while_it_runs = {"path_args", "path_kwargs"}
    assert set(HANDLER) - while_it_runs - NEWER_NAMES <= set(public(RequestHandler, tornados()))
    assert set(REQUEST) <= set(public(HTTPServerRequest, tornados().request))


def test_arguments_of_query_and_body() -> None:
    handler = make_handler("/a/?a=1&a=%202%00%20&b=", data={"a": "3", "c": "größer"})
    assert handler.request.arguments == {
        "a": [b"1", b" 2\x00 ", b"3"],
        "b": [b""],
        "c": ["größer".encode()],
    }
    assert handler.get_arguments("a") == ["1", "2", "3"]
    assert handler.get_arguments("a", strip=False) == ["1", " 2  ", "3"]
    assert handler.get_arguments("d") == []
    assert handler.get_argument("a") == "3"
    assert handler.get_argument("c") == "größer"
    assert handler.get_argument("d", None) is None
    with pytest.raises(BadRequest, match="Missing argument d"):
        handler.get_argument("d")


def test_the_request() -> None:
    request = make_handler("/a/?b=c", data={"d": "e"}, headers={"X-F": "g"}).request
    assert request.body and request.body == request.django.body
    assert request.method == "POST"
    assert request.uri == "/a/?b=c"
    assert request.path == "/a/"
    assert request.query == "b=c"
    assert request.host == "testserver"
    assert request.protocol == "http"
    assert request.full_url() == "http://testserver/a/?b=c"
    assert request.headers["x-f"] == "g"
    assert request.remote_ip == "127.0.0.1"
