"""Patterns in the ``.cells`` format: ``O`` lives, ``.`` does not, ``!`` begins a comment."""

from __future__ import annotations

from pathlib import Path

from .grid import Living

FOLDER = Path(__file__).parent / "patterns"
#: Shorter names, those of django-c10k-demo.
ALIASES = {"gosper": "gosper-glider-gun", "lwss": "lightweight-spaceship"}


def known() -> list[str]:
    """Return the names of the patterns that come with the demo."""
    return sorted([*ALIASES, *(path.stem for path in FOLDER.glob("*.cells"))])


def read(name: str) -> Living:
    """Return the pattern of a file, or of one of the known names.

    Raises ValueError for a file that is not a pattern, and OSError if it cannot be read.
    """
    path = FOLDER / f"{ALIASES.get(name, name)}.cells" if name in known() else Path(name)
    if not path.exists():
        raise ValueError(f"No such pattern: {name!r}. Use a file or one of {', '.join(known())}.")
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> Living:
    """Return the living cells of a pattern; raise ValueError if it is not one."""
    lines = enumerate(text.splitlines(), start=1)
    rows = [(number, line.rstrip()) for number, line in lines if not line.startswith("!")]
    for number, row in rows:
        if set(row) - set(".O"):
            raise ValueError(f"Line {number}: {row!r} has characters other than '.' and 'O'.")
    return {
        (row, column)
        for row, (_, line) in enumerate(rows)
        for column, sign in enumerate(line)
        if sign == "O"
    }


def render(living: Living, size: int) -> str:
    """Return a whole grid as a pattern."""
    return "".join(
        "".join("O" if (row, column) in living else "." for column in range(size)) + "\n"
        for row in range(size)
    )
