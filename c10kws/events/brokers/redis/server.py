"""Identity and role of the Redis server."""

from __future__ import annotations

from redis.exceptions import ResponseError

from ..link.connection import ConnectionLost
from .raw import RawConnection

CLUSTER = (
    "it is a node of a Redis Cluster, which is not supported; use one server, or Sentinel with "
    "replicas"
)
REPLICA = "it is a replica; connect to the master, or set the option sentinels"


async def identify(connection: RawConnection) -> str:
    """Return the ``run_id`` of a server, which changes with each start.

    Raises ConnectionLost for a server that cannot be used.
    """
    info = await _info(connection, "server", "replication", "cluster")
    if info.get("cluster_enabled") == "1":
        raise ConnectionLost(CLUSTER)
    _check_role(info)
    return info["run_id"]


async def check_role(connection: RawConnection) -> None:
    """Raise ConnectionLost if the server has become a replica, or does not answer."""
    _check_role(await _info(connection, "replication"))


def _check_role(info: dict[str, str]) -> None:
    if info.get("role") != "master":
        raise ConnectionLost(REPLICA)


async def _info(connection: RawConnection, *sections: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for reply in await connection.call(*[("INFO", section) for section in sections]):
        if isinstance(reply, ResponseError):
            raise ConnectionLost(f"it refused INFO: {reply}")
        lines = [line.partition(":") for line in reply.decode().splitlines()]
        found |= {key: value for key, separator, value in lines if separator}
    return found
