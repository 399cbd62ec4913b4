"""The distributions, built once from a copy of the repository, and what they must hold."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.shell import ROOT, files, run

NOT_IN_A_CLONE = shutil.ignore_patterns(
    ".*", "__pycache__", "*.py[cod]", "*.egg-info", "*.sqlite3*", "_build", "build", "dist"
)


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository: a build leaves things behind, and an old one would be built in."""
    return copy(tmp_path_factory.mktemp("packaging"))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy for one test, for commands that make their environments in it."""
    return copy(tmp_path)


def copy(folder: Path) -> Path:
    """Copy what a clean clone has."""
    return shutil.copytree(ROOT, folder / "c10kws", ignore=NOT_IN_A_CLONE)


@pytest.fixture(scope="session")
def packages(tree: Path) -> set[str]:
    """All files of both packages, as site-packages must have them."""
    shelf = files(tree / "servers" / "c10kws_tornado")
    return {f"c10kws/{path}" for path in files(tree / "c10kws")} | {
        f"c10kws_tornado/{path}" for path in shelf
    }


@pytest.fixture(scope="session")
def distributions(
    tree: Path, packages: set[str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The ``sdist``, built from the tree, and the ``wheel``, built from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    log = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, tree)
    assert "Warning" not in log
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return {"sdist": sdist, "wheel": wheel}


@pytest.fixture(scope="session")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lock's versions without its hashes: pip must find the dependencies by itself."""
    lock = (ROOT / "requirements" / "demo.txt").read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    path.write_text("\n".join(re.findall(r"^\S+==\S+", lock, re.MULTILINE)), encoding="utf-8")
    return path
