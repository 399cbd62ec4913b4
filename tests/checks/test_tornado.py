"""The checks of ``TORNADO``: each shows what is right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings
from tornado.routing import HostMatches, URLSpec
from tornado.web import RequestHandler, StaticFileHandler

import c10kws
from c10kws.checks.tornado import check_tornado
from c10kws.management import tornado_handlers


def handlers(*rows: Any) -> Any:
    return override_settings(TORNADO={"handlers": list(rows)})


def complaints(value: Any) -> Iterator[tuple[Any, str, Any]]:
    with override_settings(TORNADO=value):
        for message in check_tornado(None):
            yield message.id, message.msg, message.hint


@pytest.mark.parametrize(
    "row",
    [
        (r"/static/(.*)", StaticFileHandler, {"path": "/srv/static"}),
        [r"/x", RequestHandler],
        (r"/x", RequestHandler, None, "name"),
        (re.compile("/x"), RequestHandler),
        (r"/x", "tornado.web.RequestHandler"),
        (HostMatches("a.example"), [(r"/x", RequestHandler)]),
        URLSpec(r"/x", RequestHandler, {}, "name"),
        c10kws.django_app,
    ],
)
def test_right_rows(row: Any) -> None:
    with handlers(row):
        assert check_tornado(None) == []
        tornado_handlers.application()


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("/x", "must be a tuple or a URLSpec, not '/x'"),
        (RequestHandler, "must be a tuple or a URLSpec, not <class"),
        ({"pattern": "/x"}, "must be a tuple or a URLSpec, not {"),
        ((), "must have 2 to 4 parts, not the 0 of ()"),
        (("/x",), "must have 2 to 4 parts, not the 1 of ('/x',)"),
        (("/x", RequestHandler, {}, "n", 5), "must have 2 to 4 parts, not the 5 of"),
        ((RequestHandler, "/x"), "must begin with a pattern of the path, not <class"),
        ((None, RequestHandler), "must begin with a pattern of the path, not None"),
        (
            ("/(x", RequestHandler),
            "has a pattern that is not a regular expression, '/(x': missing )",
        ),
        (("static/(.*)", RequestHandler), "has the pattern 'static/(.*)', which matches no path"),
        (("^a-b/c", RequestHandler), "has the pattern '^a-b/c', which matches no path"),
        (("/(x)/(?P<y>.)", RequestHandler), "must name all groups of its pattern"),
        (("/x", "nowhere.Handler"), "names a handler that cannot be imported, 'nowhere.Handler'"),
        (("/x", "Handler"), "names a handler that cannot be imported, 'Handler'"),
        (("/x", None), "must have a handler as its second part, a class or its name, not None"),
        (("/x", RequestHandler, "name"), "must have a dictionary of arguments as its third part"),
        (("/x", RequestHandler, {}, 5), "must have a name as its last part, not 5"),
        (
            (HostMatches("a"), [("/x", RequestHandler), ("/y",)]),
            "has rows of its own, and [1] must have 2 to 4 parts",
        ),
        (
            (HostMatches("a"), [c10kws.django_app]),
            "has rows of its own, and [0] must be a tuple or a URLSpec, not c10kws.django_app",
        ),
    ],
)
def test_a_wrong_row_is_an_error_that_shows_a_right_one(row: Any, fault: str) -> None:
    ((number, text, hint),) = complaints({"handlers": [c10kws.django_app, row]})
    assert number == "c10kws.E004"
    assert text.startswith("TORNADO['handlers'][1] " + fault)
    assert hint == (
        'Write for example (r"/path/(.*)", "package.module.Handler", {"argument": value}, "name"); '
        "the last two items may be omitted."
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["handlers"], "TORNADO must be a dictionary, not ['handlers']."),
        (None, "TORNADO must be a dictionary, not None."),
        ({"handlers": "all"}, "TORNADO['handlers'] must be a list, not 'all'."),
        ({"handlers": {"/x": 1}}, "TORNADO['handlers'] must be a list, not {'/x': 1}."),
        ({"port": "8000"}, "TORNADO['port'] must be a number from 0 to 65535, not '8000'."),
        ({"port": 65536}, "TORNADO['port'] must be a number from 0 to 65535, not 65536."),
        ({"port": True}, "TORNADO['port'] must be a number from 0 to 65535, not True."),
        ({"port": None}, "TORNADO['port'] must be a number from 0 to 65535, not None."),
        (
            {"settings": ["debug"]},
            "TORNADO['settings'] must be a dictionary with names as its keys, not ['debug'].",
        ),
        (
            {"settings": {1: True}},
            "TORNADO['settings'] must be a dictionary with names as its keys, not {1: True}.",
        ),
        (
            {"settings": {"handlers": []}},
            "TORNADO['settings'] has 'handlers', which belong in TORNADO['handlers'].",
        ),
    ],
)
def test_a_wrong_shape_is_an_error_that_shows_the_right_one(value: Any, expected: str) -> None:
    ((number, text, hint),) = complaints(value)
    assert (number, text) == ("c10kws.E003", expected)
    assert hint.startswith("Write for example ")


def test_an_unknown_key_is_a_warning() -> None:
    assert list(complaints({"Handler": [], "ports": 1, "x": 1})) == [
        ("c10kws.W003", "TORNADO has an unknown key 'Handler'.", "Did you mean 'handlers'?"),
        ("c10kws.W003", "TORNADO has an unknown key 'ports'.", "Did you mean 'port'?"),
        ("c10kws.W003", "TORNADO has an unknown key 'x'.", "Known keys: port, handlers, settings."),
    ]
