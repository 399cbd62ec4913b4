"""Numbers of the code, as people write them: the roles ``:constant:`` and ``:size:``, defaults."""

from __future__ import annotations

from importlib import import_module

from docutils import nodes
from sphinx.util.docutils import SphinxRole

SIZES = ((1024 * 1024, "MiB"), (1024, "KiB"))


def show(value: object, *, is_size: bool = False) -> str:
    """Return a default as a reader writes it, with its size in larger units."""
    if isinstance(value, tuple):
        return f"``{list(value)!r}``"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if is_size and isinstance(value, int):
        for unit, name in SIZES:
            if value >= unit and value % unit == 0:
                return f"``{value}`` ({value // unit} {name})"
    return f"``{value!r}``"


def is_size(name: str) -> bool:
    """Return True for a number of bytes."""
    return name.endswith(("_size", "_bytes", "_water")) and name != "queue_size"


class Constant(SphinxRole):
    """``:constant:`package.module.NAME```: a number of the code, as people write it."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the number as text, or an error for a name that does not exist."""
        try:
            number = constant(self.text)
        except (ImportError, AttributeError) as error:
            message = self.inliner.reporter.error(str(error), line=self.lineno)
            return [], [message]
        return [nodes.Text(self.write(number))], []

    def write(self, value: float) -> str:
        """Return a number with commas, and 5.0 as 5."""
        return f"{int(value) if value == int(value) else value:,}"


class Size(Constant):
    """``:size:`package.module.NAME```: a number of bytes."""

    def write(self, value: float) -> str:
        """Return a number of bytes in the largest unit that divides it."""
        unit, name = next((each for each in SIZES if value % each[0] == 0), (1, "bytes"))
        return f"{int(value) // unit:,} {name}"


def constant(path: str) -> float:
    """Return a number that a module defines."""
    module, _, name = path.rpartition(".")
    number: float = getattr(import_module(module), name)
    return number
