"""The files in ``docs/deploy/``, as data."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import yaml

from c10kws import conf
from c10kws_tornado.process.lifecycle import stop_timeout

from .shell import ROOT

FOLDER = ROOT / "docs" / "deploy"
#: Seconds that a stop of the server may take.
STOP_TIME = stop_timeout(conf.DEFAULTS.drain_timeout)


def read(name: str) -> str:
    """Return the text of a file."""
    return (FOLDER / name).read_text(encoding="utf-8")


def read_yaml(name: str) -> Any:
    """Return the content of a YAML file."""
    return yaml.safe_load(read(name))


@dataclass(frozen=True)
class Instruction:
    """An instruction of a Dockerfile. ``words`` is an exec form or a line split at spaces."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        return json.loads(self.text) if self.text.startswith("[") else self.text.split()


def read_dockerfile() -> dict[str, list[Instruction]]:
    """Return the instructions of each stage."""
    stages: dict[str, list[Instruction]] = {}
    for line in re.sub(r"\\\n\s*", "", read("Dockerfile")).splitlines():
        name, _, text = line.partition(" ")
        if name == "FROM":
            stages[text.rpartition(" AS ")[2]] = []
        elif name:
            stages[list(stages)[-1]].append(Instruction(name, text))
    return stages
