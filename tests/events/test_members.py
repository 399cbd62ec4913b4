"""The clients of an EventSocket: members, and those whose ``open`` is running."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

from c10kws.events.clients.members import Members
from c10kws.events.clients.socket import Socket
from c10kws.events.rooms.rooms import Rooms


def client() -> Any:
    return Mock(spec=Socket, opening=False, writer=Mock())


def test_a_client_is_a_member_from_enter_to_leave() -> None:
    changes: list[str] = []
    members = Members(
        Rooms(changes.append, changes.append),
        lambda: changes.append("opened"),
        lambda: changes.append("emptied"),
    )
    first, second = client(), client()
    members.begin(first)
    assert changes == ["opened"]
    assert first.opening
    first.writer.hold.assert_called_once_with()
    assert (members.all(), members.listeners(), len(members)) == ([], [first], 0)
    members.enter(first)
    members.begin(second)
    assert not first.opening
    assert (members.all(), members.listeners()) == ([first], [first, second])
    assert first in members
    assert second not in members
    assert list(members.opening()) == [second]
    members.leave(first)
    members.leave(second)  # which ``open`` has refused
    members.leave(second)
    assert (members.all(), members.listeners(), second.opening) == ([], [], False)
    assert changes == ["opened", "emptied"]


def test_a_client_leaves_its_rooms() -> None:
    changes: list[str] = []
    rooms: Rooms[Socket] = Rooms(
        lambda room: changes.append(f"+{room}"), lambda room: changes.append(f"-{room}")
    )
    members = Members(rooms, lambda: None, lambda: None)
    socket = client()
    members.begin(socket)
    rooms.join("a", socket)
    rooms.join("b", socket)
    assert (rooms.members("a"), rooms.listeners("a")) == ([], [socket])
    members.enter(socket)
    assert rooms.members("a") == [socket]
    assert rooms.of(socket) == {"a", "b"}
    members.leave(socket)
    assert (rooms.of(socket), rooms.listeners("a"), rooms.listeners("b")) == (set(), [], [])
    assert (changes[:2], set(changes[2:])) == (["+a", "+b"], {"-a", "-b"})
