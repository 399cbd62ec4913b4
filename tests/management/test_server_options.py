"""The options of the server, out of ``C10KWS`` and Django's settings."""

from __future__ import annotations

import pytest
from django.test import override_settings

from c10kws.management.server_options import server_options
from c10kws_tornado import Limits


def test_the_server_gets_its_limits() -> None:
    own = {"MAX_HEAD_SIZE": 9, "IDLE_TIMEOUT": 2.5, "READ_TIMEOUT": 3.5, "QUEUE_SIZE": 7}
    with override_settings(C10KWS=own):
        options = server_options()
    limits = options["limits"]
    assert (limits.max_head_size, limits.idle_timeout, limits.read_timeout) == (9, 2.5, 3.5)
    assert options["queue_size"] == 7


def test_a_rate_of_none_is_none_for_the_server() -> None:
    with override_settings(C10KWS={"MIN_READ_RATE": None, "MIN_SEND_RATE": None}):
        limits = server_options()["limits"]
    assert limits.min_read_rate == limits.min_send_rate == 0


def test_the_settings_have_the_defaults_of_the_server() -> None:
    assert server_options()["limits"] == Limits()


@pytest.mark.parametrize(
    ("own", "django", "folder"),
    [(None, None, None), (None, "/django", "/django"), ("/own", "/django", "/own")],
)
def test_the_folder_of_uploads(own: str | None, django: str | None, folder: str | None) -> None:
    with override_settings(C10KWS={"UPLOAD_DIR": own}, FILE_UPLOAD_TEMP_DIR=django):
        assert server_options()["upload_dir"] == folder
