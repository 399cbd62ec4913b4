"""The house keeps its order: who may import whom (``docs/development.rst``)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "c10kws"
SERVER = ROOT / "servers" / "c10kws_tornado"
#: Folders and modules directly below ``c10kws``, a layer a row: each row imports from itself and
#: the rows above it. A folder's path gives the layer of all that is in it.
LAYERS = [
    {"conf", "exceptions", "hijack", "interrupts", "tornado_setting"},
    {"protocol"},
    {"connection"},
    {"handlers"},
    {"views", "refusals", "testpages", "templatetags"},
    {"longpoll"},
    {"events"},
    {"checks"},
    {"apps", "management", "test", "compat"},
]
#: The first layer that may import Django; ``conf`` reads its settings.
DJANGO = 3
#: The layer where both halves meet.
ROOT_LAYER = len(LAYERS) - 1


def imports(path: Path) -> Iterator[str]:
    """Yield the absolute names of the modules that run-time code of a file imports."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    tree = ast.parse(path.read_text())
    typing_only = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            base = ".".join(filter(None, [start, node.module]))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def layer_of(module: str) -> int | None:
    return next((n for n, layer in enumerate(LAYERS) if module in layer), None)


@pytest.mark.parametrize("path", sorted(SERVER.rglob("*.py")), ids=lambda path: path.name)
def test_the_server_imports_neither_the_library_nor_django(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"c10kws", "django", "asgiref", "wsproto"}


@pytest.mark.parametrize(
    "path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: str(path.relative_to(LIBRARY))
)
def test_a_module_imports_from_its_layer_and_below(path: Path) -> None:
    own = path.relative_to(LIBRARY).with_suffix("").parts[0]
    if own == "__init__":
        return
    layer = layer_of(own)
    assert layer is not None, f"give {own} a place in the layers, here and in the documentation"
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "c10kws" and len(parts) > 1:
            other = layer_of(parts[1])
            assert other is None or other <= layer, f"{own} imports {name}"
        if parts[0] in {"tornado", "c10kws_tornado"}:
            assert layer == ROOT_LAYER, f"{own} imports {name}"
        if parts[0] == "django":
            assert layer >= DJANGO or own == "conf", f"{own} imports {name}"


def test_only_the_ancestors_names_import_tornado_itself() -> None:
    """Its exceptions are among them."""
    for path in LIBRARY.rglob("*.py"):
        if path.relative_to(LIBRARY).parts[0] != "compat":
            assert "tornado" not in {name.split(".")[0] for name in imports(path)}
