"""gunicorn's settings and logs, in this process."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pytest_django import Settings

pytest.importorskip("fcntl", reason="gunicorn needs POSIX")

from gunicorn.config import Config
from gunicorn.errors import AppImportError
from gunicorn.glogging import Logger

from c10kws.gunicorn import configuration, logs
from c10kws.gunicorn.serving import check_project, options_of_gunicorn
from c10kws.management.log_output import ACCESS_LOGGERS
from c10kws.management.server_options import server_options
from c10kws_tornado.accesslog import AccessLine
from tests.support.shell import ROOT


def config(**values: Any) -> Config:
    cfg = Config()
    for name, value in values.items():
        cfg.set(name, value)
    return cfg


class Warnings(list[str]):
    """A log of warnings."""

    def warning(self, message: str, *arguments: object) -> None:
        self.append(message % arguments)


def test_defaults_of_gunicorn_give_no_warning() -> None:
    warnings = Warnings()
    configuration.check(config(), warnings)
    assert warnings == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("forwarded_allow_ips", "10.0.0.1"),
        ("worker_connections", 2000),
        ("limit_request_line", 100),
        ("http_protocols", "h1"),
        ("post_request", lambda worker, req, environ, resp: None),
    ],
)
def test_a_setting_without_effect_gives_a_warning(name: str, value: object) -> None:
    warnings = Warnings()
    configuration.check(config(**{name: value}), warnings)
    expected = [] if name == "http_protocols" else [name]  # the default
    assert [warning.partition(" ")[0] for warning in warnings] == expected


def test_all_settings_exist_and_are_documented() -> None:
    names = {*configuration.UNUSED, *configuration.UNSUPPORTED}
    page = (ROOT / "docs" / "reference" / "gunicorn.rst").read_text()
    assert names <= set(Config().settings)
    assert [name for name in names if f"``{name}``" not in page] == []


@pytest.mark.parametrize("name", configuration.UNSUPPORTED)
def test_a_setting_that_cannot_work_is_an_error(name: str) -> None:
    value = {"proxy_protocol": "auto", "protocol": "uwsgi"}[name]
    with pytest.raises(RuntimeError, match=f"does not support {name}"):
        configuration.check(config(**{name: value}), Warnings())


@pytest.mark.parametrize(
    ("timeout", "drain_timeout"), [(30, 26.0), (8, 4.0), (4, 2.0), (1, 0.5), (0, 0.01)]
)
def test_requests_are_aborted_before_gunicorn_kills(timeout: int, drain_timeout: float) -> None:
    options = options_of_gunicorn(config(graceful_timeout=timeout), {})
    assert options["drain_timeout"] == drain_timeout


def test_gunicorn_overrides_what_it_sets(settings: Settings) -> None:
    settings.C10KWS = {"THREADS": 9, "IDLE_TIMEOUT": 8.0, "UPLOAD_DIR": "/uploads"}
    own = server_options()
    unchanged = options_of_gunicorn(config(), own)
    assert unchanged["threads"] == 9
    assert unchanged["limits"] == own["limits"]
    assert unchanged["upload_dir"] == "/uploads"
    assert unchanged["ssl_context"] is None
    changed = options_of_gunicorn(config(threads=4, keepalive=5, tmp_upload_dir="/tmp"), own)
    assert changed["threads"] == 4
    assert changed["limits"].idle_timeout == 5
    assert changed["upload_dir"] == "/tmp"
    assert options_of_gunicorn(config(keepalive=0), own)["limits"].idle_timeout == 8.0


def test_errors_of_system_checks_end_gunicorn(settings: Settings) -> None:
    settings.C10KWS = {"THREADS": 0, "THREDS": 1}
    with pytest.raises(AppImportError, match=r"c10kws.E002.*THREADS"):
        check_project(Warnings())
    settings.SILENCED_SYSTEM_CHECKS = ["c10kws.E002"]
    warnings = Warnings()
    check_project(warnings)
    assert "THREDS" in warnings[0]
    assert len(warnings) == 1


NAMES = ["c10kws", "c10kws_tornado", *ACCESS_LOGGERS, "gunicorn.error", "gunicorn.access"]


@contextmanager
def new_loggers() -> Iterator[None]:
    """Remove all log handlers, also pytest's, as in a new process."""
    found = [logging.getLogger(name) for name in NAMES]
    root, caplog = logging.root, list(logging.root.handlers)
    before = [(each, list(each.handlers), each.level, each.propagate) for each in found]
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = caplog
        for logger, handlers, level, propagate in before:
            logger.handlers[:] = handlers
            logger.setLevel(level)
            logger.propagate = propagate


def write_lines() -> None:
    line = AccessLine("1.2.3.4", "GET /a HTTP/1.1", status=404, size=3, user_agent="me")
    line.write()
    logging.getLogger("c10kws.access").info("a WebSocket")
    logging.getLogger("c10kws").warning("a warning")
    logging.getLogger("c10kws_tornado").info("a remark")


def test_without_an_access_log_there_are_no_access_lines(
    capfd: pytest.CaptureFixture[str],
) -> None:
    cfg = config()
    with new_loggers():
        logs.connect(cfg, Logger(cfg))
        write_lines()
    output, errors = capfd.readouterr()
    assert "[WARNING] a warning\n" in errors
    assert "[INFO] a remark\n" in errors
    assert "/a" not in output + errors
    assert "a WebSocket" not in output + errors


def test_access_lines_have_the_format_of_gunicorn(capfd: pytest.CaptureFixture[str]) -> None:
    cfg = config(
        accesslog="-", loglevel="warning", access_log_format="%(h)s %(m)s %(U)s %(s)s %(a)s"
    )
    with new_loggers():
        logs.connect(cfg, Logger(cfg))
        write_lines()
    output, errors = capfd.readouterr()
    assert output == "1.2.3.4 GET /a 404 me\n"
    assert "a remark" not in errors
    assert "a WebSocket" not in errors  # of the level INFO


def test_handlers_of_the_project_stay(capfd: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("mine: %(message)s"))
    cfg = config()
    with new_loggers():
        logging.getLogger("c10kws").addHandler(handler)
        logs.connect(cfg, Logger(cfg))
        write_lines()
    _, errors = capfd.readouterr()
    assert errors.startswith("mine: a warning\n")
    assert errors.count("a warning") == 1
