"""The decorator ``@asynchronous``."""

from __future__ import annotations

import logging

import pytest
from django.test import RequestFactory, override_settings

from c10kws import asynchronous
from tests.support.polls import Live, fails, get


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_is_above_0(timeout: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        asynchronous(timeout=timeout)


def test_what_is_no_view() -> None:
    with pytest.raises(TypeError, match="expected a view"):
        asynchronous("view")  # type: ignore[call-overload]


def test_methods_of_a_class(make_live: Live) -> None:
    with override_settings(MIDDLEWARE=[]):  # no CSRF check
        live = make_live()
    path = "/longpoll/methods/ann/"
    assert get(live, path).body == b"Hello ann GET"
    assert get(live, path, "Content-Length: 0", method="POST").body == b"Hello ann POST"
    assert get(live, "/longpoll/decorated/ann/").body == b"decorated ann"


def test_a_server_without_the_contract(caplog: pytest.LogCaptureFixture) -> None:
    response = asynchronous(fails)(RequestFactory().get("/"))
    assert response.status_code == 500
    assert b"runserver" in response.content
    assert "@asynchronous refused" in caplog.text
    assert caplog.records[0].levelno == logging.ERROR
