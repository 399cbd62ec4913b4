"""Patterns in plaintext, the ``.cells`` format: ``O`` lives, ``.`` does not, ``!`` is a remark."""

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

    Raises ValueError when it is no pattern, and OSError when the file cannot be read.
    """
    path = FOLDER / f"{ALIASES.get(name, name)}.cells" if name in known() else Path(name)
    if not path.exists():
        raise ValueError(f"expected a file or one of {', '.join(known())}, not {name!r}")
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> Living:
    """Return the living cells of a pattern; raise ValueError when it is none."""
    lines = enumerate(text.splitlines(), start=1)
    rows = [(number, line.rstrip()) for number, line in lines if not line.startswith("!")]
    for number, row in rows:
        if set(row) - set(".O"):
            raise ValueError(f"line {number}: expected only '.' and 'O', not {row!r}")
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
