"""Iteration over response bodies on the loop; blocking ones are iterated in the pool."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any, TypeGuard

from ..pool import Pool, run_urgent
from .filewrapper import FileWrapper


def is_async(body: object) -> bool:
    """Return True for a body that is to be iterated on the loop.

    Django's StreamingHttpResponse has both kinds of iteration; its ``is_async`` decides.
    """
    return hasattr(body, "__aiter__") and bool(getattr(body, "is_async", True))


def is_whole(body: object) -> TypeGuard[Iterable[bytes]]:
    """Return True for a body whose parts all exist, so that iteration does not wait.

    Django's HttpResponse has ``streaming = False``.
    """
    return isinstance(body, (list, tuple)) or getattr(body, "streaming", True) is False


def join_short(parts: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Join short parts up to ``size`` bytes, to save writes; long ones are not copied."""
    short: list[bytes] = []
    length = 0
    for part in parts:
        if length + len(part) > size:
            yield b"".join(short)
            short, length = [], 0
        short.append(part)
        length += len(part)
    yield b"".join(short)


def aiterate(body: Any, pool: Pool, find_size: Callable[[int], int]) -> AsyncIterator[bytes]:
    """Iterate over any body on the loop; files in blocks of ``find_size(block_size)`` bytes."""
    if isinstance(body, FileWrapper):
        return read_file(body, pool, find_size)
    if is_async(body):
        asynchronous: AsyncIterable[bytes] = body
        return aiter(asynchronous)
    return iterate_in_pool(iter(body), pool)


async def read_file(
    wrapper: FileWrapper, pool: Pool, find_size: Callable[[int], int]
) -> AsyncIterator[bytes]:
    """Read a file in the pool, with one job for each block."""
    while True:
        data = await run_urgent(pool, wrapper.filelike.read, find_size(wrapper.block_size))
        if not data:
            return
        yield data


async def iterate_in_pool(chunks: Iterator[bytes], pool: Pool) -> AsyncIterator[bytes]:
    """Iterate with one job of the pool for each step."""
    while (data := await run_urgent(pool, next, chunks, None)) is not None:
        yield data
