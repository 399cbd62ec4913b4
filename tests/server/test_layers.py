"""The layers of the server: which module may import which, derived from their paths."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "servers"
PACKAGE = "c10kws_tornado"
#: Folders and root modules, a layer a row. Each imports from its own row and the rows above it.
LAYERS = [
    {"limits", "pool", "mailbox", "accesslog", "safelogger", "diagnostics", "atfork", "heap"},
    {"raw"},
    {"http"},
    {"accept", "routing", "server", "shutdown", "stallmonitor", "tornado_app"},
    {"process"},
    {"run", "__init__", "__main__"},
]
MODULES = {
    str(path.relative_to(ROOT / PACKAGE).with_suffix("")): path
    for path in sorted((ROOT / PACKAGE).rglob("*.py"))
}


def imports(name: str) -> Iterator[str]:
    """Yield the modules of the server that one imports, for the type checker too."""
    package = [PACKAGE, *name.split("/")][:-1]
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else []
            base = [*start, *(node.module or "").split(".")] if node.module else start
            for alias in node.names:
                yield from _module([*base, alias.name])
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from _module(alias.name.split("."))


def _module(parts: list[str]) -> Iterator[str]:
    """Yield the module that holds a name, if it belongs to the server."""
    if parts[0] != PACKAGE:
        return
    for path in ("/".join(parts[1:]), "/".join(parts[1:-1])):
        if path in MODULES:
            yield path
            return


def layer_of(name: str) -> int:
    """Return the layer of a module; its first folder decides."""
    top = name.split("/")[0]
    return next(number for number, layer in enumerate(LAYERS) if top in layer)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_from_its_layer_and_below(name: str) -> None:
    for imported in imports(name):
        assert layer_of(imported) <= layer_of(name), f"{name} imports {imported}"


def test_every_row_of_the_layers_exists() -> None:
    assert {name.split("/")[0] for name in MODULES} == set.union(*LAYERS)


def test_no_circle_of_imports() -> None:
    """Neither at run time nor for the type checker."""
    graph = {name: set(imports(name)) for name in MODULES}
    assert list(TopologicalSorter(graph).static_order())


def test_the_rule_sees_imports() -> None:
    """The rule itself works: it knows some imports of each kind."""
    assert {"server", "run", "process/workers"} <= set(imports("__init__"))
    assert {"process/signals", "process/workers"} <= set(imports("process/reexec"))
    assert "atfork" in imports("server")


def test_no_module_imports_inside_a_function_without_a_reason() -> None:
    for name, path in MODULES.items():
        lines = path.read_text().splitlines()
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Import | ast.ImportFrom):
                        near = lines[node.lineno - 3 : node.lineno + 1]
                        assert any("#" in line for line in near), f"{name}:{node.lineno}"
