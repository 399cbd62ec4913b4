"""A trial: clients of the demo in one environment."""

from __future__ import annotations

import json

from tools.processes import ADDRESS, Failed

from . import load, polls, talk
from .demo import MOST_LINES, Demo
from .results import Check, Trial
from .visitor import Visitor

#: The pages under load: Tornado's own handler, a page of the polls, the admin after a login.
LOADED = ("/hello-tornado", "/polls/", "/admin/")
VERSIONS = """
import json, platform
from importlib.metadata import version
names = ("Django", "tornado", "wsproto")
print(json.dumps({"Python": platform.python_version(), **{n: version(n) for n in names}}))
"""


def try_demo(demo: Demo, subject: str) -> Trial:
    """Make the checks of an environment."""
    try:
        versions = json.loads(demo.run("-c", VERSIONS))
        demo.prepare()
    except Failed as error:
        return broken(str(error).splitlines())
    return {
        "versions": versions,
        "websocket": demo.check(lambda port: talk.talk(port, subject), talk.LAST),
        "django": demo.check(lambda port: polls.walk(visitor(port)), polls.LAST),
    }


def broken(log: list[str]) -> Trial:
    """Return the trial of an environment that cannot serve."""
    failed: Check = {"works": False, "log": log[-MOST_LINES:]}
    return {"versions": {}, "websocket": failed, "django": failed}


def try_load(demo: Demo) -> tuple[Check, dict[str, list[float]]]:
    """Return the result of the load, and the response times by path."""
    times: dict[str, list[float]] = {}

    def ask(port: int) -> None:
        visiting = visitor(port)
        polls.log_in(visiting)
        for path in LOADED:
            url = f"http://{ADDRESS}:{port}{path}"
            times[path] = load.percentiles(load.response_times(url, visiting.cookie))

    check = demo.check(ask)
    if check["works"]:
        check["log"].clear()  # thousands of equal access lines
    return check, times


def visitor(port: int) -> Visitor:
    """Return a new visitor, without cookies."""
    return Visitor(f"http://{ADDRESS}:{port}")
