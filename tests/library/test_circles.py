"""No modules of the library import each other in a circle, not even for the type checker."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "c10kws"
#: The folders of the event layer, each of which imports from those before it.
EVENTS = ["frames", "rooms", "clients", "emitting", "dispatch", "progress"]


def modules() -> dict[str, Path]:
    """Return the files of the library by the names of their modules, without ``c10kws``."""
    names = {path.relative_to(LIBRARY).with_suffix(""): path for path in LIBRARY.rglob("*.py")}
    return {".".join(name.parts).removesuffix("__init__").strip("."): names[name] for name in names}


def imported(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield the modules of the package that a file imports, also under TYPE_CHECKING."""
    parts = name.split(".") if name else []
    package = parts if path.name == "__init__.py" else parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = package[: len(package) + 1 - node.level]
            base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                submodule = f"{base}.{alias.name}".strip(".")
                yield submodule if submodule in known else base


def test_imports_form_no_circle() -> None:
    known = modules()
    graph = {name: {*imported(name, path, known)} - {name} for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"circle of imports: {' -> '.join(error.args[1])}")


def test_a_folder_of_events_imports_from_those_before_it() -> None:
    known = modules()
    for name, path in known.items():
        match name.split("."):
            case ["events", folder, *_] if folder in EVENTS:
                later = EVENTS[EVENTS.index(folder) + 1 :]
                for other in imported(name, path, known):
                    assert other.split(".")[1:2] not in [[each] for each in later], name
