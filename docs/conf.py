"""Sphinx builds the site from this folder: ``python3 docs``, or ``make docs``."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

import django
from django.conf import settings

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "extensions")]

# autodoc imports the package, and parts of it need Django's settings.
settings.configure(INSTALLED_APPS=["c10kws"], SECRET_KEY="documentation", USE_TZ=True)
django.setup()

project = "c10kws"
author = "The c10kws authors"
project_copyright = author
version = release = version_of("c10kws")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "broker_table",
    "completeness",
    "generated",
    "links",
]
exclude_patterns = ["_build", "extensions"]
nitpicky = True
smartquotes = False  # they would change what is typed
#: Names of other projects: Sphinx would have to download their inventories to link them.
nitpick_ignore_regex = [
    (r"py:.*", rf"({'|'.join([*sys.stdlib_module_names, 'django', 'tornado'])})\..*"),
    # In signatures: types of the modules that are not public, and those of other projects.
    (r"py:class", r"(c10kws|c10kws_tornado)\.\w+\.\w+(\.\w+)?"),
    (r"py:class", r"AnonymousUser|Application|Stage|User|WorkerSlot|WSGIApplication"),
]

autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 100
autodoc_member_order = "bysource"

html_theme = "furo"
html_title = "c10kws"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
