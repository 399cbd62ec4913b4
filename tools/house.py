"""Print the structure of both packages: ``python3 tools/house.py [ROOT]``.

For each package: its modules and folders, its imports (one for each pair of modules), the imports
that run from a layer to one above it, and the circles: groups of modules that import each other.
Imports for type checkers count too. ``tests/library/test_layers.py`` enforces the rules.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

#: For each module, the modules of the same package that it imports.
Graph = dict[str, set[str]]


def _rows(*rows: str) -> list[set[str]]:
    return [set(row.split()) for row in rows]


#: The folders and modules directly below each package, a layer a row. A module imports from its own
#: row and the rows above it; its first folder gives the layer.
LAYERS: dict[str, list[set[str]]] = {
    "c10kws": _rows(
        "conf exceptions hijack interrupts lazy_names tornado_setting",
        "protocol",
        "connection",
        "handlers runtime_directory signals",
        "views refusals testpages templatetags health metrics measuring",
        "longpoll",
        "events",
        "checks control",
        "apps admin models gunicorn management test compat",
    ),
    "servers/c10kws_tornado": _rows(
        "accesslog atfork descriptors diagnostics heap limits mailbox pool pooljob safelogger"
        " sharedstate workerslot",
        "raw",
        "http",
        "accept handlerconnection heartbeat measurements routing server shutdown stallmonitor stop"
        " tls tornado_app",
        "process",
        "run __main__",
    ),
}


def modules_of(root: Path, package: str) -> dict[str, Path]:
    """Return the modules of a package, by dotted name."""
    folder = root / package
    modules = {}
    for path in sorted(folder.rglob("*.py")):
        name = ".".join([folder.name, *path.relative_to(folder).with_suffix("").parts])
        modules[name.removesuffix(".__init__")] = path
    return modules


def imports_of(module: str, path: Path, *, types: bool = True) -> Iterator[str]:
    """Yield the absolute names that a file imports; without ``types`` only those at run time."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = set() if types else set(_under_type_checking(tree))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            base = ".".join(filter(None, [start, node.module]))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _under_type_checking(tree: ast.Module) -> Iterator[ast.AST]:
    for block in ast.walk(tree):
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            for statement in block.body:
                yield from ast.walk(statement)


@cache
def graph_of(root: Path, package: str) -> Graph:
    """Return the imports within a package."""
    modules = modules_of(root, package)
    graph: Graph = {}
    for module, path in modules.items():
        # A name is that of a module, or of something in the module before its last dot.
        names = {
            name if name in modules else name.rpartition(".")[0]
            for name in imports_of(module, path)
        }
        graph[module] = (names & modules.keys()) - {module}
    return graph


def layer_of(package: str, module: str) -> int:
    """Return the layer of a module. Raises LookupError when the table has none for it.

    The package itself is in the last layer, since it exports what is public.
    """
    layers = LAYERS[package]
    _, *parts = module.split(".")
    if not parts:
        return len(layers) - 1
    for number, layer in enumerate(layers):
        if parts[0] in layer:
            return number
    raise LookupError(f"{module} has no layer in tools/house.py")


def upward_imports(package: str, graph: Graph) -> list[tuple[str, str]]:
    """Return the imports from a layer to one above it. Raises LookupError as ``layer_of``."""
    return [
        (module, imported)
        for module in graph
        for imported in sorted(graph[module])
        if layer_of(package, imported) > layer_of(package, module)
    ]


def circles_of(graph: Graph) -> list[list[str]]:
    """Return the groups of modules that import each other, directly or by way of others."""
    reachable = {module: _reachable(graph, module) for module in graph}
    circles = {
        frozenset(other for other in reachable[module] if module in reachable[other])
        for module in graph
        if module in reachable[module]
    }
    return sorted(sorted(circle) for circle in circles)


def _reachable(graph: Graph, start: str) -> set[str]:
    reachable: set[str] = set()
    found = list(graph[start])
    while found:
        module = found.pop()
        if module not in reachable:
            reachable.add(module)
            found += graph[module]
    return reachable


def describe(root: Path, package: str) -> Iterator[str]:
    """Yield the lines about one package."""
    modules, graph = modules_of(root, package), graph_of(root, package)
    folders = {path.parent for path in modules.values()}
    circles = circles_of(graph)
    yield f"{package}: {len(modules)} modules in {len(folders)} folders"
    yield f"  {sum(map(len, graph.values()))} imports, {len(circles)} circles"
    yield from (f"    circle of {len(circle)}: {', '.join(circle)}" for circle in circles)
    try:
        upward = upward_imports(package, graph)
    except LookupError as error:
        yield f"  layers unknown: {error}"
    else:
        yield f"  {len(upward)} imports from a layer to one above it"
        yield from (f"    {module} imports {imported}" for module, imported in upward)


if __name__ == "__main__":
    ROOT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    for each in LAYERS:
        print("\n".join(describe(ROOT, each)))
