"""The declarations of the scripts and modules, by a real TypeScript compiler."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import c10kws

STATIC = Path(c10kws.__file__).parent / "static" / "c10kws"
TYPES = Path(__file__).parent / "types"
NAMES = {
    "client.mjs": ["RequestError", "SUBPROTOCOL", "TornadoWebSocket", "default", "tws"],
    "progress.mjs": ["ProgressBarModule", "default"],
}


@pytest.fixture(scope="module")
def compiler() -> str:
    """TypeScript's: the one that ``python3 tests`` has found, else one on the PATH."""
    found = os.environ.get("C10KWS_TSC") or shutil.which("tsc")
    if not found:
        pytest.skip("no TypeScript on this machine: npm install --global typescript")
    return found


def complaints(compiler: str, folder: Path, name: str, resolution: str) -> str:
    """Compile a file of ``types/`` in ``folder``; return the errors of the compiler."""
    text = (TYPES / name).read_text().replace("../../../c10kws/static/c10kws/", f"{STATIC}/")
    (folder / name).write_text(text)
    options = {
        "strict": True,
        "noEmit": True,
        "target": "es2022",
        "lib": ["es2022", "dom"],
        "types": [],
        "module": "nodenext" if resolution == "nodenext" else "esnext",
        "moduleResolution": resolution,
        "paths": {"c10kws/*": [f"{STATIC}/*"]},
    }
    config = {"compilerOptions": options, "files": [name]}
    (folder / "tsconfig.json").write_text(json.dumps(config))
    done = subprocess.run(
        [compiler, "--project", folder], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode == 0) == (done.stdout == "")
    return done.stdout


@pytest.mark.parametrize("resolution", ["nodenext", "bundler"])
def test_the_types_of_the_modules(compiler: str, tmp_path: Path, resolution: str) -> None:
    assert complaints(compiler, tmp_path, "modules.mts", resolution) == ""


def test_the_types_of_the_scripts(compiler: str, tmp_path: Path) -> None:
    assert complaints(compiler, tmp_path, "page.ts", "bundler") == ""


@pytest.mark.parametrize("module", NAMES)
def test_the_modules_export_the_names_in_their_types(module: str) -> None:
    """``types/modules.mts`` compares the declarations with the same names."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine, which TypeScript needs too")
    program = f"import('{(STATIC / module).as_uri()}').then((m) => console.log(Object.keys(m)+''))"
    done = subprocess.run(
        [node, "--eval", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip().split(",") == NAMES[module]
