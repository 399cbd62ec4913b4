"""The checks of ``C10KWS``: each explains a mistake."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.test import override_settings

from c10kws import conf
from c10kws.checks.settings import check_settings
from c10kws.protocol.negotiation import Compression


def test_an_unknown_key_is_left_to_the_checks() -> None:
    with override_settings(C10KWS={"THREAD": 4}):
        assert conf.current() == conf.DEFAULTS
        (message,) = check_settings(None)
    assert message.id == "c10kws.W001"
    assert message.hint == "Did you mean 'THREADS'?"


@pytest.mark.parametrize(
    "value",
    [
        ["THREADS"],
        {"THREADS": "16"},
        {"THREADS": 0},
        {"THREADS": True},
        {"THREADS": 1.5},
        {"CLOSE_TIMEOUT": -1},
        {"CLOSE_TIMEOUT": None},
        {"TRUSTED_PROXIES": "127.0.0.1"},
        {"TRUSTED_PROXIES": [1]},
        {"CLOSE_REFUSED_HANDSHAKES": "no"},
    ],
)
def test_a_wrong_shape_is_an_error_that_says_what_was_expected(value: Any) -> None:
    with override_settings(C10KWS=value):
        (message,) = check_settings(None)
    assert message.id == "c10kws.E002"
    assert "must be" in message.msg


def complaints(key: str, value: Any) -> list[CheckMessage]:
    with override_settings(C10KWS={key: value}):
        return check_settings(None)


COMPRESSION = "True, False or a dictionary of options"
NETWORKS = "a list of addresses and networks"
OPTIONS = ", ".join(field.name for field in fields(Compression))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        *(
            ("SLOW_CLIENT", value, "'disconnect' or 'drop'")
            for value in ("close", None, True, ["drop"])
        ),
        *(
            ("EMIT_WITHOUT_SERVER", value, "'raise' or 'warn' or 'drop'")
            for value in ("ignore", None, True, ["warn"])
        ),
        *(
            (key, value, "a number above 0 or None")
            for key in ("PING_INTERVAL", "PING_TIMEOUT")
            for value in (0, -1, -0.5, float("nan"), True, False, "20", [20])
        ),
        *(
            (key, value, "a whole number above 0 or None")
            for key in (
                "FREEZE_CONNECTIONS",
                "MAX_CONNECTIONS",
                "MAX_CONNECTIONS_PER_ADDRESS",
                "MAX_CONNECTIONS_PER_USER",
            )
            for value in (0, -1, True, 1.5, "500")
        ),
        *(
            (key, value, "True or False")
            for key in (
                "FAST_LANE",
                "UVLOOP",
                "LOG_QUERY_STRINGS",
                "CLOSE_REFUSED_HANDSHAKES",
            )
            for value in (None, 0, 1, "yes", "uvloop", ["yes"])
        ),
        *(
            (key, value, "a number above 0")
            for key in (
                "CLOSE_TIMEOUT",
                "HANDLER_TIMEOUT",
                "IDLE_TIMEOUT",
                "READ_TIMEOUT",
                "SEND_TIMEOUT",
                "DRAIN_TIMEOUT",
            )
            for value in (0, None, True, "10")
        ),
        *(
            (key, value, "a whole number above 0")
            for key in (
                "MAX_MESSAGE_SIZE",
                "MAX_QUEUE_BYTES",
                "MAX_BODY_SIZE",
                "MAX_HEAD_SIZE",
                "QUEUE_SIZE",
                "THREADS",
                "MAX_ROOMS",
                "MAX_TOTAL_SEND_BYTES",
            )
            for value in (0, -1, None, True, 1.5, "1")
        ),
        *(
            ("MESSAGE_RATE", value, 'a rate such as "20/s" or "1000/min", or None')
            for value in ("", "20", 20, 1.5, True, "20KiB/s", ["20/s"])
        ),
        *(
            ("BYTE_RATE", value, 'a rate such as "64KiB/s" or "10MiB/min", or None')
            for value in ("", "64K/s", 65536, False)
        ),
        ("TRUSTED_PROXIES", "10.0.0.1", NETWORKS),
        ("TRUSTED_PROXIES", None, NETWORKS),
        ("TRUSTED_PROXIES", [1], NETWORKS),
        ("TRUSTED_PROXIES", ["10.0.0.0/40"], NETWORKS),
        ("TRUSTED_PROXIES", ["10.0.0.1/8"], "10.0.0.1/8 has host bits set"),
        ("TRUSTED_PROXIES", ["127.0.0.1", "localhost"], "'localhost' does not appear to be"),
        *(
            (name, value, "a folder that exists and can be written, or None")
            for name in ("RUNTIME_DIR", "UPLOAD_DIR")
            for value in ("/not/there", __file__, True, 1, ["/tmp"])
        ),
        *(
            (key, value, "a whole number above 0 or None")
            for key in ("MIN_READ_RATE", "MIN_SEND_RATE")
            for value in (0, -1, True, 1.5, "1")
        ),
        *(
            ("COMPRESSION", value, f"{COMPRESSION} (expected {COMPRESSION}, not {value!r})")
            for value in (1, 0, "on", ["level"], 6.0)
        ),
        *(
            (
                "COMPRESSION",
                {name: 5},
                f"{COMPRESSION} (unknown option {name!r}; use any of: {OPTIONS})",
            )
            for name in ("levels", "LEVEL", 6, None)
        ),
        *(
            ("COMPRESSION", {name: value}, f"{name} must be an integer from {low} to {high}")
            for name, low, high in (
                ("level", 0, 9),
                ("memory_level", 1, 9),
                ("server_max_window_bits", 9, 15),
                ("client_max_window_bits", 9, 15),
                ("threshold", 0, 2**31),
            )
            for value in (low - 1, high + 1, None, True, "6", 6.0)
        ),
        *(
            ("COMPRESSION", {name: value}, f"expected {name} to be True or False, not {value!r}")
            for name in ("server_no_context_takeover", "client_no_context_takeover")
            for value in (0, 1, None, "yes")
        ),
        ("COMPRESSION", {"level": 6, "threshold": -1}, "threshold must be an integer"),
    ],
)
def test_an_error_names_the_setting_what_it_expected_what_it_got_and_the_default(
    key: str, value: Any, expected: str
) -> None:
    (message,) = complaints(key, value)
    assert message.id == "c10kws.E002"
    assert message.is_serious()
    assert message.msg.startswith(f"C10KWS[{key!r}] must be ")
    assert expected in message.msg
    assert message.msg.endswith(f", not {value!r}.")
    assert message.hint == f"The default is {conf.KEYS[key]!r}."


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SLOW_CLIENT", "disconnect"),
        ("SLOW_CLIENT", "drop"),
        *(("EMIT_WITHOUT_SERVER", value) for value in ("raise", "warn", "drop")),
        *(
            (key, value)
            for key in ("PING_INTERVAL", "PING_TIMEOUT")
            for value in (None, 1, 0.001, 3600)
        ),
        *((key, value) for key in ("FAST_LANE", "UVLOOP") for value in (True, False)),
        ("COMPRESSION", True),
        ("COMPRESSION", False),
        ("COMPRESSION", {}),
        ("COMPRESSION", {"level": 0, "memory_level": 1, "threshold": 0}),
        ("COMPRESSION", {"level": 9, "memory_level": 9, "threshold": 2**31}),
        ("COMPRESSION", {"server_max_window_bits": 9, "client_max_window_bits": 15}),
        ("COMPRESSION", {"server_max_window_bits": 15, "client_max_window_bits": 9}),
        ("COMPRESSION", {"server_no_context_takeover": True, "client_no_context_takeover": False}),
        ("THREADS", 1),
        ("MIN_READ_RATE", None),
        ("MIN_SEND_RATE", None),
        *(("UPLOAD_DIR", value) for value in (None, "/tmp", Path("/tmp"))),
        ("TRUSTED_PROXIES", []),
    ],
)
def test_a_right_value_passes_and_is_what_the_settings_say(key: str, value: Any) -> None:
    assert complaints(key, value) == []
    with override_settings(C10KWS={key: value}):
        assert getattr(conf.current(), key.lower()) == value


@pytest.mark.parametrize("key", ["PING_INTERVAL", "PING_TIMEOUT"])
def test_for_ever_is_spelled_none_and_not_infinity(key: str) -> None:
    assert len(complaints(key, float("inf"))) == 1


def test_the_defaults_pass_their_own_checks() -> None:
    with override_settings(C10KWS=dict(conf.KEYS)):
        assert check_settings(None) == []
        assert conf.current() == conf.DEFAULTS


def test_each_mistake_has_a_message_of_its_own() -> None:
    mistakes = {"FAST_LANE": 1, "PING_INTERVAL": 20, "UVLOOP": "no", "FASTLANE": True}
    with override_settings(C10KWS=mistakes):
        found = [(message.id, message.msg.split("'")[1]) for message in check_settings(None)]
    assert found == [
        ("c10kws.E002", "FAST_LANE"),
        ("c10kws.E002", "UVLOOP"),
        ("c10kws.W001", "FASTLANE"),
    ]


@pytest.mark.parametrize("value", [None, [], "THREADS=4", 5])
def test_settings_that_are_no_dictionary_are_shown(value: Any) -> None:
    with override_settings(C10KWS=value):
        (message,) = check_settings(None)
    assert message.id == "c10kws.E002"
    assert message.msg == f"C10KWS must be a dictionary, not {value!r}."
    assert message.hint == 'Write for example C10KWS = {"THREADS": 16}.'


def test_whole_numbers_are_times_too() -> None:
    with override_settings(C10KWS={"CLOSE_TIMEOUT": 5, "TRUSTED_PROXIES": ["10.0.0.1"]}):
        assert check_settings(None) == []


def test_the_test_project_has_no_complaints() -> None:
    assert [message for message in run_checks() if str(message.id).startswith("c10kws")] == []
