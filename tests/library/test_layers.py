"""The layers of both packages: which module may import which (``docs/development.rst``)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from tests.support.shell import ROOT
from tools.house import LAYERS, Graph, circles_of, graph_of, imports_of, modules_of, upward_imports

LIBRARY, SERVER = LAYERS
#: The first row of the library's layers that may import Django; ``conf`` reads its settings.
DJANGO = 3
#: The folders of the event layer, in order; each imports from those before it.
EVENTS = ["brokers", "frames", "rooms", "clients", "emitting", "dispatch", "progress"]


@cache
def roots_of(package: str) -> dict[str, set[str]]:
    """Return, for each module of a package, the packages that it imports at run time."""
    return {
        module: {name.split(".")[0] for name in imports_of(module, path, types=False)}
        for module, path in modules_of(ROOT, package).items()
    }


def folders_of(layers: list[set[str]]) -> set[str]:
    return set[str]().union(*layers)


@pytest.mark.parametrize("package", LAYERS)
def test_a_module_imports_from_its_layer_and_below(package: str) -> None:
    assert upward_imports(package, graph_of(ROOT, package)) == []


@pytest.mark.parametrize("package", LAYERS)
def test_no_circle_of_imports(package: str) -> None:
    """Neither at run time nor for the type checker."""
    assert circles_of(graph_of(ROOT, package)) == []


def test_a_folder_of_events_imports_from_those_before_it() -> None:
    for module, imported in graph_of(ROOT, LIBRARY).items():
        place = place_among_events(module)
        for other in imported if place is not None else ():
            assert (place_among_events(other) or 0) <= (place or 0), f"{module} imports {other}"


def place_among_events(module: str) -> int | None:
    match module.split("."):
        case ["c10kws", "events", folder, *_] if folder in EVENTS:
            return EVENTS.index(folder)
    return None


@pytest.mark.parametrize("package", LAYERS)
def test_the_table_has_what_there_is(package: str) -> None:
    below = {module.split(".")[1] for module in modules_of(ROOT, package) if "." in module}
    assert folders_of(LAYERS[package]) == below


def test_the_server_imports_neither_the_library_nor_django() -> None:
    for module, roots in roots_of(SERVER).items():
        assert not roots & {"c10kws", "django", "asgiref", "wsproto"}, module


def test_only_the_composition_root_imports_the_server() -> None:
    """Tornado's exceptions are among the ancestors' names."""
    for module, roots in roots_of(LIBRARY).items():
        folder = module.split(".")[1] if "." in module else ""
        assert "tornado" not in roots or folder == "compat", module
        assert "c10kws_tornado" not in roots or folder in LAYERS[LIBRARY][-1], module


def test_protocol_and_connection_import_no_django() -> None:
    below_django = folders_of(LAYERS[LIBRARY][:DJANGO]) - {"conf"}
    for module, roots in roots_of(LIBRARY).items():
        if "." in module and module.split(".")[1] in below_django:
            assert "django" not in roots, module


@pytest.mark.parametrize("package", LAYERS)
def test_an_import_in_a_function_has_a_comment(package: str) -> None:
    for path in modules_of(ROOT, package).values():
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines()
        for line in lines_of_late_imports(ast.parse(source)):
            assert any("#" in near for near in lines[max(line - 4, 0) : line + 1]), (path, line)


def lines_of_late_imports(tree: ast.Module) -> Iterator[int]:
    """Yield the lines of imports in functions; the docstring of ``__getattr__`` has its reason."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom) and function.name != "__getattr__":
                    yield node.lineno


def test_the_rules_see_imports() -> None:
    """Each rule finds what it looks for in a small house that breaks it."""
    library = graph_of(ROOT, LIBRARY)
    assert "c10kws.connection.websocket" in library["c10kws"]
    assert "c10kws.protocol.messages" in library["c10kws.connection.websocket"]
    broken: Graph = {
        "c10kws.protocol.a": {"c10kws.events.b"},
        "c10kws.events.b": {"c10kws.protocol.a"},
    }
    assert upward_imports(LIBRARY, broken) == [("c10kws.protocol.a", "c10kws.events.b")]
    assert circles_of(broken) == [sorted(broken)]
