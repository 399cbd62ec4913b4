"""How many sockets a process may have."""

from __future__ import annotations

#: Files that are no sockets of cells: the program's own.
OTHERS = 50


def allow(sockets: int) -> None:
    """Raise the soft limit of open files for so many sockets, where it can be.

    Raises ValueError, which says what to type, when the hard limit is lower.
    """
    try:
        import resource
    except ImportError:  # Windows: it has no such limit
        return
    needed = sockets + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise ValueError(
            f"{sockets:,} cells need {needed:,} open files, and this process may have {hard:,}: "
            f"type `ulimit -Hn {needed}` as root first, or choose a smaller grid"
        )
    if soft != resource.RLIM_INFINITY and needed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
