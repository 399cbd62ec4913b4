"""Map the shelf of servers into the distribution; all static metadata lives in pyproject.toml.

``servers/c10kws_tornado`` is imported as ``c10kws_tornado``. Nothing generic (``servers``,
``tests``, ``demo``) may reach site-packages: a project may well have an app of that name.
"""

from setuptools import find_packages, setup

SERVER = "c10kws_tornado"
SHELF = "servers"

setup(
    packages=[
        *find_packages(include=["c10kws", "c10kws.*"]),
        *find_packages(SHELF, include=[SERVER, f"{SERVER}.*"]),
    ],
    package_dir={SERVER: f"{SHELF}/{SERVER}"},
)
