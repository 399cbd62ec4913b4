"""What is in the wheel and in the sdist, compared with the tree they were built from."""

from __future__ import annotations

import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

import c10kws
from tests.support.shell import files


@pytest.fixture(scope="module")
def in_wheel(distributions: dict[str, Path]) -> set[str]:
    with zipfile.ZipFile(distributions["wheel"]) as wheel:
        return set(wheel.namelist())


@pytest.fixture(scope="module")
def metadata(distributions: dict[str, Path]) -> Message:
    with zipfile.ZipFile(distributions["wheel"]) as wheel:
        return message_from_bytes(wheel.read(f"c10kws-{c10kws.__version__}.dist-info/METADATA"))


def test_nothing_generic_reaches_site_packages(in_wheel: set[str]) -> None:
    information = f"c10kws-{c10kws.__version__}.dist-info"
    assert {path.split("/")[0] for path in in_wheel} == {"c10kws", "c10kws_tornado", information}


def test_the_wheel_holds_every_file_of_both_packages(
    in_wheel: set[str], packages: set[str]
) -> None:
    assert {path for path in in_wheel if ".dist-info/" not in path} == packages


@pytest.mark.parametrize(
    "pattern",
    [
        "c10kws/py.typed",
        "c10kws_tornado/py.typed",
        "c10kws/templates/c10kws/**/*.html",
        "c10kws/static/c10kws/**/*.js",
        "c10kws/static/c10kws/**/*.css",
    ],
)
def test_the_wheel_holds_data_of_each_kind(
    distributions: dict[str, Path], tmp_path: Path, pattern: str
) -> None:
    with zipfile.ZipFile(distributions["wheel"]) as wheel:
        wheel.extractall(tmp_path)
    assert list(tmp_path.glob(pattern))


def test_the_sdist_is_the_repository(distributions: dict[str, Path], tree: Path) -> None:
    with tarfile.open(distributions["sdist"]) as sdist:
        held = {name.partition("/")[2] for name in sdist.getnames()}
    built = {path for path in files(tree) if ".egg-info/" in path}
    assert files(tree) - built <= held
    assert {path.split("/")[0] for path in held} - {path.name for path in tree.iterdir()} == {
        "",
        "PKG-INFO",
        "setup.cfg",
    }


def test_three_required_dependencies(metadata: Message) -> None:
    required = metadata.get_all("Requires-Dist")
    assert required is not None
    always = [requirement for requirement in required if "extra ==" not in requirement]
    assert sorted(always) == ["Django>=5.2", "tornado>=6.5", "wsproto>=1.3"]
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_version_of_the_distribution_is_the_modules(metadata: Message) -> None:
    assert metadata["Version"] == c10kws.__version__
