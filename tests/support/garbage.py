"""Objects that only the garbage collector can free."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def no_garbage(
    is_ours: Callable[[object], bool], settle: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Check that what the block drops is freed by reference counting.

    ``settle`` is called after the block and waits for its end in other threads. Of the garbage,
    only objects count that the block has made, and for which ``is_ours`` returns True. Others may
    become garbage meanwhile, such as the server of an earlier test when its last thread ends.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
        settle()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found = [type(each).__qualname__ for each in gc.garbage if is_ours(each)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.unfreeze()
        gc.enable()
    assert not found, found
