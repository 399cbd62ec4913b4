"""The Dockerfile, and the files for Compose and Kubernetes, in ``docs/deploy/``."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from django.core.management import load_command_class
from django.urls import resolve

from c10kws.health.views import health
from tests.support.commands import Start
from tests.support.deployment import (
    FOLDER,
    STOP_TIME,
    Instruction,
    read,
    read_dockerfile,
    read_yaml,
)
from tests.support.shell import ROOT, run
from tools.processes import free_port

PORT = 8000
#: What the documentation adds to the settings of a project.
SETTINGS = """
ALLOWED_HOSTS = ["example.com"]
DEBUG = False
STATIC_ROOT = BASE_DIR / "static"
"""
URLS = """
from django.urls import include
urlpatterns += [path("healthz/", include("c10kws.health"))]
"""


def documented_settings() -> str:
    """Return the settings of the guide. They are imported without the variables of the service."""
    page = (ROOT / "docs" / "how-to" / "containers.rst").read_text(encoding="utf-8")
    (block,) = re.findall(r":caption: settings.py\n\n((?: {4}.*\n|\n)+)", page)
    assert "REDIS_URL" in block
    return textwrap.dedent(block)


@pytest.fixture(scope="module")
def stages() -> dict[str, list[Instruction]]:
    return read_dockerfile()


def find(stage: list[Instruction], name: str) -> list[Instruction]:
    return [each for each in stage if each.name == name]


def flags_of(stage: list[Instruction]) -> Any:
    (command,) = find(stage, "CMD")
    assert command.words[:3] == ["python", "manage.py", "runtornado"]
    parser = load_command_class("c10kws", "runtornado").create_parser("manage.py", "runtornado")
    return parser.parse_args(command.words[3:])


def test_the_dockerfile_has_known_instructions(stages: dict[str, list[Instruction]]) -> None:
    known = {"CMD", "COPY", "EXPOSE", "HEALTHCHECK", "RUN", "USER", "WORKDIR"}
    assert {each.name for stage in stages.values() for each in stage} <= known
    assert list(stages) == ["web", "proxy"]
    assert flags_of(stages["web"]).bind == [f"0.0.0.0:{PORT}"]
    assert [each.text for each in find(stages["web"], "EXPOSE")] == [str(PORT)]
    for each in find(stages["proxy"], "COPY"):
        source = each.words[0]
        assert source.startswith("--from=web") or (FOLDER / source).is_file()


@pytest.fixture
def image(project: Path) -> Path:
    """A project with the files that the Dockerfile expects."""
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write(SETTINGS + documented_settings())
    with (project / "mysite" / "urls.py").open("a") as urls:
        urls.write(URLS)
    (project / "requirements.txt").write_text("c10kws[redis]\nDjango\n")
    return project


@pytest.mark.programs
def test_the_commands_of_the_dockerfile(
    stages: dict[str, list[Instruction]], image: Path, start: Start
) -> None:
    """Run them in this environment, which has all requirements already."""
    web = stages["web"]
    _, install, collect = (each.words for each in find(web, "RUN"))
    assert install[:2] == ["pip", "install"]
    run(sys.executable, "-m", *install, "--dry-run", "--no-index", cwd=image)
    assert collect[0] == "python"
    run(sys.executable, *collect[1:], cwd=image)
    assert (image / "static" / "c10kws").is_dir()
    (command,) = find(web, "CMD")
    port = str(free_port())
    server = start(*(word.replace(str(PORT), port) for word in command.words[2:]))
    server.wait_for("Quit with")
    (check,) = find(web, "HEALTHCHECK")
    words = Instruction("CMD", check.text.partition("CMD ")[2]).words
    run(sys.executable, *(word.replace(str(PORT), port) for word in words[1:]))


def test_compose(stages: dict[str, list[Instruction]]) -> None:
    services = read_yaml("compose.yaml")["services"]
    assert services.keys() == {"web", "proxy", "redis"}
    for name in ("web", "proxy"):
        assert services[name]["build"] == {"context": ".", "target": name}
        assert name in stages
    for service in services.values():
        assert set(service.get("depends_on", ())) <= services.keys()
    # The address of the server in nginx.conf, and the certificates that it names.
    assert services["proxy"]["network_mode"] == "service:web"
    configuration = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
    assert f"server 127.0.0.1:{PORT};" in configuration
    for volume in services["proxy"]["volumes"]:
        assert volume.split(":")[1] in configuration


def test_the_image_has_no_private_keys() -> None:
    ignored = read("dockerignore").split()
    for volume in read_yaml("compose.yaml")["services"]["proxy"]["volumes"]:
        assert f"*{Path(volume.split(':')[0]).suffix}" in ignored


def test_a_container_has_enough_time_to_stop() -> None:
    web = read_yaml("compose.yaml")["services"]["web"]
    assert int(web["stop_grace_period"].removesuffix("s")) >= STOP_TIME
    pod = read_yaml("kubernetes.yaml")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    sleep, pause = container["lifecycle"]["preStop"]["exec"]["command"]
    assert sleep == "sleep"
    assert pod["terminationGracePeriodSeconds"] >= int(pause) + STOP_TIME


def test_the_probes_of_kubernetes() -> None:
    spec = read_yaml("kubernetes.yaml")["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"] == labels
    (container,) = spec["template"]["spec"]["containers"]
    (port,) = container["ports"]
    assert port["containerPort"] == PORT
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        request = container[name]["httpGet"]
        path, _, query = request["path"].partition("?")
        assert resolve(path).func is health
        assert query == ("ready" if name == "readinessProbe" else "")
        assert request["port"] == port["name"]
        assert request["httpHeaders"] == [{"name": "Host", "value": "example.com"}]
