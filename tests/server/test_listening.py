"""Listening sockets and their addresses, cores, and what systemd passes."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from c10kws_tornado.process import cores, systemd
from c10kws_tornado.process.addresses import (
    DescriptorAddress,
    TCPAddress,
    UnixAddress,
    open_all,
    parse_address,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such sockets")


@pytest.mark.parametrize(
    ("text", "expected", "shown"),
    [
        ("8000", TCPAddress("::1", 8000), "[::1]:8000"),
        ("10.0.0.1:80", TCPAddress("10.0.0.1", 80), "10.0.0.1:80"),
        ("[fe80::1]:80", TCPAddress("fe80::1", 80), "[fe80::1]:80"),
        ("example.com:0", TCPAddress("example.com", 0), "example.com:0"),
        ("unix:/run/a b.sock", UnixAddress("/run/a b.sock"), "unix:/run/a b.sock"),
        ("fd://3", DescriptorAddress(3), "fd://3"),
    ],
)
def test_addresses(text: str, expected: object, shown: str) -> None:
    assert parse_address(text, "::1") == expected
    assert str(parse_address(text, "::1")) == shown


@pytest.mark.parametrize(
    "text", ["", "a", "unix:", "unix:\0", "fd://", "fd://x", "::1:80", "a:b", "1:99999"]
)
def test_texts_that_are_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expected a port|must be from 0 to 65535"):
        parse_address(text, "127.0.0.1")


@pytest.mark.parametrize("host", ["a..b", "a" * 64])
def test_host_names_that_cannot_be_encoded(host: str) -> None:
    with pytest.raises(OSError, match=rf"Cannot listen on {host}:80: The host name is invalid"):
        open_all([TCPAddress("127.0.0.1", 0), TCPAddress(host, 80)])


def test_the_umask_decides_who_may_connect(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        (listener,) = open_all([UnixAddress(str(tmp_path / "a"))])
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o750
    listener.close()
    assert not (tmp_path / "a").exists()


def test_the_socket_of_another_process_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    address = UnixAddress(str(path))
    (first,) = open_all([address])
    with pytest.raises(OSError, match=r"Cannot listen on unix:.*/a: .*in use"):
        open_all([TCPAddress("127.0.0.1", 0), address])
    path.unlink()  # by hand, while the first one runs
    (second,) = open_all([address])
    first.close()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    second.close()
    assert not path.exists()


def test_a_descriptor_that_is_not_a_listening_socket() -> None:
    with socket.socket() as sock, pytest.raises(OSError, match="is not a listening socket"):
        open_all([DescriptorAddress(sock.fileno())])
    with (
        open(os.devnull) as file,
        pytest.raises(OSError, match=r"Cannot listen on fd://\d+: Socket operation on non-socket"),
    ):
        open_all([DescriptorAddress(file.fileno())])
    with pytest.raises(OSError, match=r"Cannot listen on fd://\d+: Bad file descriptor"):
        open_all([DescriptorAddress(10**20)])


def test_only_the_process_that_systemd_names_takes_its_sockets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LISTEN_FDS", "2")
    monkeypatch.setenv("LISTEN_PID", "1")
    assert systemd.take_listen_fds() == []
    monkeypatch.setenv("LISTEN_FDS", "2")
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    assert systemd.take_listen_fds() == [3, 4]
    assert systemd.take_listen_fds() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("max 100000", 4), ("150000 100000", 2), ("900000 100000", 4), ("", 4)],
)
def test_a_quota_limits_the_cores(
    text: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr(cores, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    assert cores.count_cores() == expected


@pytest.mark.parametrize(("variable", "longest"), [("1000000", 0.5), ("20000000", 1.0), ("", 1.0)])
def test_a_short_watchdog_shortens_the_pauses_of_the_parent(
    monkeypatch: pytest.MonkeyPatch, variable: str, longest: float
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", variable)
    notifier = systemd.Notifier()
    notifier.keep_alive()
    assert 0 < notifier.limit(1.0) <= longest
