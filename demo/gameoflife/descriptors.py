"""The limit of open files, which limits the number of cells."""

from __future__ import annotations

#: Open files of the program that are not sockets of cells.
OTHERS = 50


def allow(sockets: int) -> None:
    """Raise the soft limit of open files, if it is too low for so many sockets.

    Raises ValueError when the hard limit is lower. The message has the command that raises it.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    needed = sockets + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise ValueError(
            f"{sockets:,} cells need {needed:,} open files, but the limit is {hard:,}. "
            f"Run `ulimit -Hn {needed}` as root first, or choose a smaller grid."
        )
    if soft != resource.RLIM_INFINITY and needed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
