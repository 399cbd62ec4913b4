"""Reference pages that are generated from the code.

``autosettings``
    A table of all settings and their defaults.
``autosetting``
    A key of ``C10KWS``: its default, its values and the comment above it in ``c10kws/conf.py``.
``autolimits``
    The limits of the server, with the comments above them.
``autochecks``
    The system checks.
``autoclosecodes``
    The close codes of RFC 6455 and their meaning in c10kws.
``autoflags``
    The arguments of a command, from its parser.

What the code has and no page names is a warning.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module

import commands
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from c10kws import WebSocket, conf
from c10kws.checks import catalogue
from c10kws.checks.settings import allowed_values
from c10kws.protocol.closing import CloseCode
from c10kws_tornado import Limits

logger = logging.getLogger(__name__)

SIZES = ((1024 * 1024, "MiB"), (1024, "KiB"))


def comments_of(cls: type) -> dict[str, list[str]]:
    """Return the ``#:`` comments above the attributes of a class, by name."""
    found = ModuleAnalyzer.for_module(cls.__module__).find_attr_docs()
    return {name: lines for (owner, name), lines in found.items() if owner == cls.__name__}


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


def indented(lines: list[str]) -> Iterator[str]:
    """Yield lines of a directive's content."""
    yield ""
    yield from (f"    {line}".rstrip() for line in lines)
    yield ""


class Generated(SphinxDirective):
    """A directive that writes reStructuredText."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Parse what :meth:`lines` yields."""
        return self.parse_text_to_nodes("\n".join(self.lines()))

    def lines(self) -> Iterator[str]:
        """Yield the lines."""
        raise NotImplementedError


class Setting(Generated):
    """``.. autosetting:: THREADS``; what follows is added to the comment."""

    required_arguments = 1

    def lines(self) -> Iterator[str]:
        """Yield the object, its default and its values, its comment and the directive's content."""
        key = self.arguments[0]
        if key not in conf.KEYS:
            raise self.error(f"there is no setting {key}")
        default = show(conf.KEYS[key], is_size=is_size(key.lower()))
        yield f".. setting:: {key}"
        yield from indented([f":Default: {default}", f":Values: {allowed_values(key)}"])
        yield from indented(comments_of(conf.Settings)[key.lower()])
        yield from indented(list(self.content))


class Settings(Generated):
    """``.. autosettings::``"""

    def lines(self) -> Iterator[str]:
        """Yield a table."""
        yield ".. list-table::"
        yield "    :header-rows: 1"
        yield "    :widths: auto"
        yield from indented(["* - Key", "  - Default"])
        for key, default in conf.KEYS.items():
            yield f"    * - :setting:`{key}`"
            yield f"      - {show(default, is_size=is_size(key.lower()))}"


class ServerLimits(Generated):
    """``.. autolimits::``"""

    def lines(self) -> Iterator[str]:
        """Yield a limit after the other, as arguments of ``Limits``."""
        comments = comments_of(Limits)
        for field in fields(Limits):
            yield f".. limit:: {field.name}"
            default = show(field.default, is_size=is_size(field.name))
            yield from indented([f":Default: {default}"])
            yield from indented(comments[field.name])


class Checks(Generated):
    """``.. autochecks::``"""

    def lines(self) -> Iterator[str]:
        """Yield a check after the other; a placeholder in a text stands for a project's value."""
        for check in sorted(catalogue.CHECKS, key=lambda check: check.id):
            yield f".. check:: {check.id}"
            rows = [check.meaning, "", f":Level: {check.level.__name__}"]
            rows += [f":Message: ``{literal(check.message)}``", f":Hint: ``{literal(check.hint)}``"]
            yield from indented(rows)


def literal(template: str) -> str:
    """Return a template of ``str.format`` for a reader."""
    return template.replace("!r}", "}")


class CloseCodes(Generated):
    """``.. autoclosecodes::``"""

    def lines(self) -> Iterator[str]:
        """Yield a table of the codes, their names and their descriptions."""
        yield ".. list-table::"
        yield "    :header-rows: 1"
        yield "    :widths: auto"
        yield from indented(["* - Code", "  - Name", "  - Meaning"])
        for code in CloseCode:
            yield f"    * - {code.value}"
            yield f"      - ``{code.name}``"
            yield f"      - {code.description}"


class Flags(Generated):
    """``.. autoflags:: runtornado``; the names of commands are in :mod:`commands`."""

    required_arguments = 1
    final_argument_whitespace = True

    def lines(self) -> Iterator[str]:
        """Yield a flag after the other, with its default and the text of ``--help``."""
        name = self.arguments[0]
        yield f".. program:: {name}"
        yield ""
        for flag in commands.flags_of(name):
            yield f".. option:: {flag.signature}"
            yield from indented([flag.help])


#: Modules whose public names must be on a page.
PUBLIC_MODULES = (
    "c10kws",
    "c10kws.events",
    "c10kws.exceptions",
    "c10kws.longpoll",
    "c10kws.refusals",
    "c10kws.test",
    "c10kws_tornado",
)
#: A class all of whose public attributes must be on a page.
PUBLIC_CLASS = "c10kws.WebSocket"


def public_names(path: str) -> list[str]:
    """Return the public names of a module: ``__all__``, or the classes that it defines."""
    module = import_module(path)
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and inspect.isclass(thing) and thing.__module__ == path
    ]


def undocumented(env: BuildEnvironment) -> Iterator[str]:
    """Yield what the code has and no page names."""
    objects = {
        (domain.name, kind, name)
        for domain in env.domains.sorted()
        for name, _, kind, *_ in domain.get_objects()
    }
    expected = [("setting", key) for key in conf.KEYS]
    expected += [("limit", field.name) for field in fields(Limits)]
    expected += [("check", check.id) for check in catalogue.CHECKS]
    for kind, name in expected:
        if ("std", kind, name) not in objects:
            yield f"the {kind} {name}"
    documented = {name for domain, _, name in objects if domain == "py"}
    for path in PUBLIC_MODULES:
        for name in public_names(path):
            if not documented & {f"{place}.{name}" for place in PUBLIC_MODULES}:
                yield f"the name {path}.{name}"
    for name in dir(WebSocket):
        if not name.startswith("_") and f"{PUBLIC_CLASS}.{name}" not in documented:
            yield f"the attribute {PUBLIC_CLASS}.{name}"


def unknown(env: BuildEnvironment) -> Iterator[str]:
    """Yield attributes that a page has and the code has not."""
    for name, *_ in env.domains["py"].get_objects():
        owner, _, attribute = name.rpartition(".")
        if owner == PUBLIC_CLASS and not hasattr(WebSocket, attribute):
            yield name


def check(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of what no page names."""
    for thing in undocumented(env):
        logger.warning("no page of the reference has %s", thing)
    for name in unknown(env):
        logger.warning("a page of the reference has %s, which does not exist", name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives, and the kinds of objects that they make."""
    for kind, name in (("setting", "setting"), ("limit", "limit"), ("check", "system check")):
        app.add_object_type(kind, kind, f"single: %s ({name})")
    app.add_directive("autosettings", Settings)
    app.add_directive("autosetting", Setting)
    app.add_directive("autolimits", ServerLimits)
    app.add_directive("autochecks", Checks)
    app.add_directive("autoclosecodes", CloseCodes)
    app.add_directive("autoflags", Flags)
    app.connect("env-check-consistency", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
