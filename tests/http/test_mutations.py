"""Mutations of requests: none makes the server read a body as a request."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from .agreement import compare
from .h11_reader import read_with_h11
from .mutations import FAMILIES, generate
from .outcome import Outcome
from .peer_differences import H11, TORNADO, explanations
from .serving import Pieces, byte_by_byte, read_with_server
from .tornado_reader import read_with_tornado

#: The family whose mutations may make the body a request for every reader.
NOISE = "noise"


@pytest.mark.thorough
@pytest.mark.parametrize("family", FAMILIES)
def test_no_byte_of_a_body_is_read_as_a_request(family: str, tmp_path: Path) -> None:
    mutations = generate(family)
    arrivals: list[Pieces] = [[data] for data in mutations]
    arrivals += [byte_by_byte(data) for data in mutations]
    outcomes = asyncio.run(read_with_server(arrivals, tmp_path))
    whole, in_bytes = outcomes[: len(mutations)], outcomes[len(mutations) :]
    peers = asyncio.run(read_with_peers(mutations))
    for data, ours, same, others in zip(mutations, whole, in_bytes, peers, strict=True):
        assert ours == same, data
        assert family == NOISE or all(request.path != "/x" for request in ours.requests), data
        for name, other in others.items():
            found = compare(data, ours, other, name)
            assert found is None or explanations(found), (data, found)


async def read_with_peers(mutations: list[bytes]) -> list[dict[str, Outcome]]:
    return [
        {H11: read_with_h11(data), TORNADO: await read_with_tornado(data)} for data in mutations
    ]
