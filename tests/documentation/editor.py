"""Type a block of a page into a file, as a reader does."""

from __future__ import annotations

from pathlib import Path

from tests.documentation.pages import Block

#: Lines in place of those that the page does not repeat.
ELLIPSES = ("...", "# ...")


def type_in(block: Block, folder: Path) -> None:
    """Write the block's file; change it when the block is a diff, or leaves out some lines."""
    path = folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    if block.language == "diff":
        path.write_text(apply(block.text, path.read_text(encoding="utf-8")), encoding="utf-8")
    elif any(line.strip() in ELLIPSES for line in block.text.splitlines()):
        path.write_text(change(block, path.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        path.write_text(block.text, encoding="utf-8")


def apply(diff: str, text: str) -> str:
    """Return a file's text with the changes of a diff: one place, without line numbers."""
    lines = diff.splitlines()
    old = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    new = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
    assert text.count(old) == 1, f"these lines are not there, or more than once:\n{old}"
    return text.replace(old, new)


def change(block: Block, text: str) -> str:
    """Return a file's text with the new lines of a block.

    Lines that the file already has tell the place; an ellipsis stands for any lines of the file. A
    new line is inserted after the line before it. After an ellipsis it is inserted before the next
    line that the file has, or at the end.
    """
    lines = text.splitlines()
    shown = block.text.splitlines()
    place = 0
    new = set()
    for number, line in enumerate(shown, start=1):
        if line.strip() in ELLIPSES:
            following = (
                _place(later, lines) for later in shown[number:] if later and later in lines
            )
            place = next(following, len(lines))
        elif line in lines and line:
            place = _place(line, lines) + 1
        elif line or lines[place : place + 1] != [""]:
            lines.insert(place, line)
            place += 1
            if line:
                new.add(number)
        else:
            place += 1
    assert new, f"nothing is new in this block:\n{block.text}"
    assert block.highlighted in (new, frozenset()), f"{block.file}: highlight {sorted(new)}"
    return "\n".join(lines) + "\n"


def _place(line: str, lines: list[str]) -> int:
    """Return the index of a line that must be there once."""
    assert lines.count(line) == 1, f"more than one line is {line!r}"
    return lines.index(line)
