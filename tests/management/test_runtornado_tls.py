"""``manage.py runtornado --certfile``."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Certificate, serial_number
from tests.support.commands import Start, get, open_socket
from tests.support.peers import closed_next
from tests.support.waiting import WAIT, eventually

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")


@pytest.mark.parametrize("workers", [1, 2])
def test_hup_loads_another_certificate(
    start: Start, port: int, tmp_path: Path, workers: int
) -> None:
    certificate = Certificate(tmp_path)
    command = start("runtornado", str(port), "--workers", str(workers), *certificate.flags)
    command.wait_for(f"pages at https://127.0.0.1:{port}/, WebSockets at wss://127.0.0.1:{port}/")
    assert get(port, "/admin/login/", certificate.client)[0] == 200
    with open_socket(port, tls=certificate.client) as ws:
        assert_echo(ws)
        before = serial_number(ws)
        certificate.renew()
        command.process.send_signal(signal.SIGHUP)
        assert closed_next(ws)[0] == 1012

    def is_renewed() -> bool:
        """Return False while another old worker has not stopped accepting."""
        with open_socket(port, tls=certificate.client) as ws:
            return serial_number(ws) != before

    eventually(is_renewed)
    command.process.send_signal(signal.SIGTERM)
    assert command.wait() == 0


def test_hup_with_files_that_do_not_match_keeps_the_old_workers(
    start: Start, port: int, tmp_path: Path
) -> None:
    certificate = Certificate(tmp_path)
    command = start("runtornado", str(port), *certificate.flags)
    command.wait_for("wss://")
    with open_socket(port, tls=certificate.client) as ws:
        certificate.renew(key=False)
        command.process.send_signal(signal.SIGHUP)
        command.wait_for("The private key in .*key.pem does not belong to .*cert.pem")
        assert_echo(ws)
        with open_socket(port, tls=certificate.client) as another:
            assert_echo(another)


def assert_echo(ws: Any) -> None:
    ws.send("hello")
    assert ws.recv(WAIT) == "hello"
