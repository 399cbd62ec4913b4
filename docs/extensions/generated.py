"""Reference pages that are generated from the code.

``autosettings``
    A table of all settings and their defaults.
``autosetting``
    A key of ``C10KWS``: its default, its values and the comment above it in ``c10kws/conf.py``.
``autolimits``
    The limits of the server, with the comments above them.
``autochecks``
    The system checks.
``autometrics``
    The metrics, from the table in ``c10kws/measuring/families.py``.
``autoclosecodes``
    The close codes of RFC 6455 and their meaning in c10kws.
``autorefusals``
    The statuses and close codes that the server and the library send, with their settings.
``autoflags``
    The arguments of a command, from its parser.
``:constant:``, ``:size:``
    A number of the code.
``automodules``
    The modules of a folder, with the first sentences of their docstrings.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import commands
import refusals
from docutils import nodes
from figures import Constant, Size, is_size, show
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from c10kws import conf
from c10kws.checks import catalogue
from c10kws.checks.settings import allowed_values
from c10kws.measuring.families import COUNTER, FAMILIES
from c10kws.protocol.closing import CloseCode
from c10kws_tornado import Limits

#: The name of a setting, outside of code.
SETTING = re.compile(rf"(?<![\w`'\"])({'|'.join(conf.KEYS)})(?![\w`'\"])")
ROOT = Path(__file__).resolve().parents[2]


def comments_of(cls: type) -> dict[str, list[str]]:
    """Return the ``#:`` comments above the attributes of a class, by name."""
    found = ModuleAnalyzer.for_module(cls.__module__).find_attr_docs()
    return {
        name: [*map(with_links, lines)]
        for (owner, name), lines in found.items()
        if owner == cls.__name__
    }


def indented(lines: list[str]) -> Iterator[str]:
    """Yield lines of a directive's content."""
    yield ""
    yield from (f"    {line}".rstrip() for line in lines)
    yield ""


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    widths: str = "auto",
    caption: str = "",
    css_class: str = "",
) -> Iterator[str]:
    """Yield the lines of a table."""
    yield from [f".. list-table:: {caption}", "    :header-rows: 1", f"    :widths: {widths}"]
    yield from [f"    :class: {css_class}", ""] if css_class else [""]
    for row in [headings, *rows]:
        yield f"    * - {row[0]}"
        yield from (f"      - {cell}" for cell in row[1:])


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
        values = allowed_values(key).replace("*", r"\*")
        yield from indented([f":Default: {default}", f":Values: {values}"])
        yield from indented(comments_of(conf.Settings)[key.lower()])
        yield from indented(list(self.content))


class Settings(Generated):
    """``.. autosettings::``"""

    def lines(self) -> Iterator[str]:
        """Yield a table."""
        rows = (
            (f":setting:`{key}`", show(default, is_size=is_size(key.lower())))
            for key, default in conf.KEYS.items()
        )
        return table(("Key", "Default"), rows)


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
        rows = ((str(code.value), f"``{code.name}``", code.description) for code in CloseCode)
        return table(("Code", "Name", "Meaning"), rows)


class Refusals(Generated):
    """``.. autorefusals:: STATUSES`` or ``CLOSE_CODES``, and a caption.

    The data is in :mod:`refusals`.
    """

    required_arguments = 1
    optional_arguments = 20

    def lines(self) -> Iterator[str]:
        """Yield a table of the codes, their causes, settings and log lines."""
        rows = (
            (str(row.code), row.cause, row.settings or "–", _literal(row.log))
            for row in getattr(refusals, self.arguments[0])
        )
        headings = ("Code", "Cause", "Setting", "Log line")
        return table(headings, rows, "8 37 30 25", " ".join(self.arguments[1:]), "wide")


def _literal(log: str) -> str:
    """Return a part of a log line, with an ellipsis for each value."""
    line = re.sub(r"(%[^a-z]*[a-z])+", "…", log)
    return f"``{line}``" if line else "–"


class Modules(Generated):
    """``.. automodules:: c10kws``"""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Parse the lines, with a section for each folder."""
        return self.parse_text_to_nodes("\n".join(self.lines()), allow_section_headings=True)

    def lines(self) -> Iterator[str]:
        """Yield a table for each folder, with the first sentence of each module."""
        top = ROOT / self.arguments[0]
        for folder in sorted({path.parent for path in top.rglob("*.py")}):
            modules = [path for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]
            if modules:
                name = f"{folder.relative_to(top.parent).as_posix()}/"
                yield from [name, "~" * len(name), "", ".. list-table::", "    :widths: 30 70", ""]
            for path in modules:
                yield f"    * - ``{path.stem}``"
                yield f"      - {summary_of(path)}"
            yield ""


def summary_of(path: Path) -> str:
    """Return the first sentence of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return with_links(" ".join(text.partition("\n\n")[0].split()))


def with_links(text: str) -> str:
    """Return a docstring's text with links where it names settings, or pages as files."""
    text = re.sub(r"``docs/([\w/-]+)\.rst``", r":doc:`/\1`", text)
    return SETTING.sub(r":setting:`\1`", text)


def link_docstring(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Make links in a docstring that autodoc shows."""
    lines[:] = map(with_links, lines)


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


class Metrics(Generated):
    """``.. autometrics::``"""

    def lines(self) -> Iterator[str]:
        """Yield a table of the metrics, their kinds, labels and help texts."""
        rows = (
            (
                f"``{name}{'_total' if family.kind == COUNTER else ''}``",
                family.kind,
                ", ".join(f"``{label}``" for label in family.labels),
                family.help,
            )
            for name, family in FAMILIES.items()
        )
        return table(("Metric", "Kind", "Labels", "Meaning"), rows)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives, and the kinds of objects that they make."""
    for kind, name in (("setting", "setting"), ("limit", "limit"), ("check", "system check")):
        app.add_object_type(kind, kind, f"single: %s ({name})")
    app.add_role("constant", Constant())
    app.add_role("size", Size())
    app.add_directive("autosettings", Settings)
    app.add_directive("autosetting", Setting)
    app.add_directive("autolimits", ServerLimits)
    app.add_directive("autochecks", Checks)
    app.add_directive("autoclosecodes", CloseCodes)
    app.add_directive("autometrics", Metrics)
    app.add_directive("autorefusals", Refusals)
    app.add_directive("autoflags", Flags)
    app.add_directive("automodules", Modules)
    app.connect("autodoc-process-docstring", link_docstring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
