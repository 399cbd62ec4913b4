"""The epoll object of a server's sockets."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable, Iterator

import pytest

from c10kws_tornado.raw.poller import Poller, make_poller

if not hasattr(select, "epoll"):
    pytest.skip("there is no epoll on this system", allow_module_level=True)


class Pairs:
    """Connected sockets, a loop and its poller."""

    def __init__(self) -> None:
        self.loop = asyncio.SelectorEventLoop()
        poller = make_poller(self.loop)
        assert poller is not None
        self.poller: Poller = poller
        self.sockets: list[socket.socket] = []
        self.called: list[int] = []

    def make(self) -> tuple[socket.socket, socket.socket]:
        pair = socket.socketpair()
        self.sockets += pair
        return pair

    def watch(self) -> tuple[int, socket.socket]:
        """Return the descriptor of a watched socket, and its peer."""
        ours, peer = self.make()
        fd = ours.fileno()
        self.poller.add_reader(fd, lambda: self.called.append(fd))
        return fd, peer

    def turn(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(asyncio.sleep(0))


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    pairs = Pairs()
    yield pairs
    pairs.poller.close()
    pairs.loop.close()
    for each in pairs.sockets:
        each.close()


def test_the_callback_of_each_readable_socket_is_called(pairs: Pairs) -> None:
    watched = [pairs.watch() for _ in range(3)]
    pairs.turn()
    assert pairs.called == []
    for _, peer in watched[1:]:
        peer.send(b"x")
    pairs.turn()
    assert set(pairs.called) == {fd for fd, _ in watched[1:]}


def test_a_closed_peer_is_reported(pairs: Pairs) -> None:
    fd, peer = pairs.watch()
    peer.close()
    pairs.turn()
    assert fd in pairs.called


def test_a_removed_socket_is_not_reported(pairs: Pairs) -> None:
    fd, peer = pairs.watch()
    peer.send(b"x")
    pairs.poller.remove_reader(fd)
    pairs.poller.remove_reader(fd)
    pairs.turn()
    assert pairs.called == []
    assert pairs.poller.watched == 0


def test_a_later_callback_replaces_the_first(pairs: Pairs) -> None:
    fd, peer = pairs.watch()
    pairs.poller.add_reader(fd, lambda: pairs.called.append(-1))
    peer.send(b"x")
    pairs.turn()
    assert set(pairs.called) == {-1}


@pytest.mark.parametrize("order", [0, 1])
def test_a_callback_may_remove_another_one_that_is_due(pairs: Pairs, order: int) -> None:
    pair = [pairs.make(), pairs.make()]
    fds = [ours.fileno() for ours, _ in pair]

    def removing(position: int) -> Callable[[], None]:
        def remove() -> None:
            pairs.called.append(position)
            pairs.poller.remove_reader(fds[1 - position])

        return remove

    for position, fd in enumerate(fds):
        pairs.poller.add_reader(fd, removing(position))
    for _, peer in pair[::-1] if order else pair:
        peer.send(b"x")
    pairs.turn()
    assert len(set(pairs.called)) == 1


def test_other_callbacks_follow_after_an_exception(pairs: Pairs) -> None:
    errors: list[object] = []
    pairs.loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))
    ours, peer = pairs.make()
    failing = ours.fileno()

    def fail() -> None:
        pairs.poller.remove_reader(failing)
        raise LookupError("as told")

    pairs.poller.add_reader(failing, fail)
    peer.send(b"x")
    fd, other = pairs.watch()
    other.send(b"x")
    pairs.turn()
    pairs.turn()
    assert len(errors) == 1 and isinstance(errors[0], LookupError)
    assert fd in pairs.called


def test_a_closed_poller_calls_nothing(pairs: Pairs) -> None:
    fd, peer = pairs.watch()
    peer.send(b"x")
    pairs.poller.close()
    pairs.poller.remove_reader(fd)
    pairs.turn()
    assert pairs.called == []
