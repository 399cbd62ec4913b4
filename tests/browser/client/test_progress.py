"""Progress bars."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.project.client_views import World
from tests.support.pages import Start


def draw(page: Page, start: Start, engine: str, options: dict[str, Any]) -> None:
    start()
    page.evaluate(
        """([engine, options]) => {
            const made = new ProgressBarModule[engine](document.querySelector("#bar"), options);
            window.bar = new ProgressBarModule(ws, made);
            for (const event of ["before_init", "after_init", "after_update", "done"]) {
                bar.on(event, () => log.push([event]));
            }
        }""",
        [engine, options],
    )


def send(page: Page, event: str, data: dict[str, Any]) -> dict[str, Any]:
    """Make the server send an event; return the attributes of the bar."""
    text = json.dumps({"event": event, "data": data})
    attributes: dict[str, Any] = page.evaluate(
        """async (text) => {
            ws.emit("say", {text});
            await ws.request("echo");
            const bar = document.querySelector("#bar [role=progressbar]");
            return {
                ...Object.fromEntries([...bar.attributes].map(({name, value}) => [name, value])),
                tag: bar.localName, width: bar.style.width,
            };
        }""",
        text,
    )
    return attributes


INIT = {"indeterminate": False, "min": 10, "max": 20, "value": 15}


def test_a_bar_of_html5(page: Page, start: Start, warnings: list[str]) -> None:
    draw(page, start, "HTML5", {"name": "Import"})
    before = send(page, "before_init", {})
    assert before["tag"] == "progress" and before["aria-label"] == "Import"
    assert "value" not in before and "aria-valuenow" not in before
    values = send(page, "init", INIT)
    assert (values["max"], values["value"]) == ("100", "50")
    assert [values[f"aria-value{each}"] for each in ("min", "max", "now")] == ["10", "20", "15"]
    assert values["aria-valuetext"] == "50%"
    values = send(page, "update", {"value": 20, "label": "<b>done</b> & $& {{percent}}"})
    assert values["value"] == "100" and values["aria-valuenow"] == "20"
    assert values["aria-valuetext"] == "100%, <b>done</b> & $& {{percent}}"
    send(page, "before_update", {})
    send(page, "done", {})
    assert page.evaluate("log") == [["before_init"], ["done"]]
    label, line = page.evaluate(
        """[...document.querySelector("#bar").children]
            .map((each) => [each.className, each.textContent])"""
    )
    assert label == ["progressbar-label", "<b>done</b> & $& {{percent}}"]
    assert line[1] == "100%"
    assert warnings == []


def test_the_options_of_html5(page: Page, start: Start) -> None:
    options = {
        "label": {"position": "bottom", "classes": ["a", "b"], "visible": False},
        "progression": {"position": "left", "format": "$& {{ percent }} of 100"},
    }
    draw(page, start, "EngineHtml5", options)
    send(page, "init", INIT)
    line, label = page.evaluate(
        "[...document.querySelector('#bar').children].map((each) => each.outerHTML)"
    )
    assert label == '<span class="a b" style="display: none;"></span>'
    assert ">$&amp; 50 of 100</span><progress " in line


def test_a_bar_of_bootstrap(page: Page, start: Start) -> None:
    draw(page, start, "Bootstrap", {"progressbar": {"context": "success", "striped": True}})
    values = send(page, "init", {"indeterminate": True})
    assert "aria-valuenow" not in values and values["width"] == "100%"
    assert {"progress-bar-animated", "active"} < set(values["class"].split())
    values = send(page, "init", INIT)
    assert set(values["class"].split()) == {
        "progress-bar",
        "progress-bar-success",
        "bg-success",
        "progress-bar-striped",
    }
    assert values["width"] == "50%" and values["aria-valuenow"] == "15"
    assert (
        page.evaluate("document.querySelector('#bar .progress .progress-bar').textContent") == "50%"
    )
    values = send(page, "update", {"label": "half"})
    assert values["aria-valuetext"] == "50%, half" and values["width"] == "50%"
    assert send(page, "update", {"value": 30})["width"] == "100%"


def test_the_options_of_bootstrap(page: Page, start: Start) -> None:
    options = {"progression": {"visible": False}, "progressbar": {"animated": True}}
    draw(page, start, "EngineBootstrap", options)
    values = send(page, "init", INIT)
    assert {"progress-bar-info", "progress-bar-animated"} < set(values["class"].split())
    hidden = "document.querySelector('#bar .progress-bar span').className"
    assert page.evaluate(hidden) == "progressbar-progression sr-only visually-hidden"


OUTLINE = """[...document.querySelectorAll("#bar *")].map((each) => [
    each.localName, each.textContent, getComputedStyle(each).display === "none", each.className,
])"""


def test_the_elements_of_html5(page: Page, start: Start) -> None:
    draw(page, start, "HTML5", {"progression": {"visible": False}})
    send(page, "init", INIT)
    send(page, "update", {"value": 15, "label": "half"})
    label, _, bar, progression = page.evaluate(OUTLINE)
    assert label == ["span", "half", False, "progressbar-label"]
    assert bar[0] == "progress"  # the percentage to its right
    assert progression == ["span", "50%", True, "progressbar-progression"]
    values = send(page, "init", {"indeterminate": True})
    assert not {"value", "aria-valuenow", "aria-valuemin", "aria-valuetext"} & set(values)
    assert page.evaluate(OUTLINE)[0][1] == ""


@pytest.mark.parametrize(
    ("context", "striped", "animated"),
    [
        ("info", False, False),
        ("success", True, False),
        ("warning", False, True),
        ("danger", True, True),
    ],
)
def test_the_elements_of_bootstrap(
    page: Page, start: Start, context: str, striped: bool, animated: bool
) -> None:
    options = {
        "label": {"position": "bottom", "classes": ["mine"]},
        "progression": {"format": "{{percent}} of 100"},
        "progressbar": {"context": context, "striped": striped, "animated": animated},
    }
    draw(page, start, "Bootstrap", options)
    send(page, "init", INIT)
    values = send(page, "update", {"value": 11, "label": "a tenth"})
    assert values["role"] == "progressbar" and values["aria-valuetext"] == "10 of 100, a tenth"
    classes = set(values["class"].split())
    assert {"progress-bar", f"progress-bar-{context}", f"bg-{context}"} <= classes
    assert ("progress-bar-striped" in classes) is (striped or animated)
    assert ("progress-bar-animated" in classes) is ("active" in classes) is animated
    assert [each[:2] for each in page.evaluate(OUTLINE)] == [
        ["div", "10 of 100"],
        ["div", "10 of 100"],
        ["span", "10 of 100"],
        ["span", "a tenth"],
    ]
    assert page.evaluate(OUTLINE)[3] == ["span", "a tenth", False, "mine"]


def test_a_prefix_and_a_custom_engine(page: Page, start: Start, world: World) -> None:
    start()
    page.evaluate(
        """async () => {
            const calls = [];
            const method = (name) => (data) => calls.push([name, data]);
            const names = ["render", "onInit", "onUpdate", "updateLabel", "updateProgression"];
            const engine = Object.fromEntries(names.map((name) => [name, method(name)]));
            window.calls = calls;
            window.bar = new ProgressBarModule(ws, engine, "import_").on("done", method("done"));
        }"""
    )
    send_plain = "async (text) => { ws.emit('say', {text}); await ws.request('echo'); }"
    for event, data in (
        ("import_init", INIT),
        ("import_update", {"value": 16}),
        ("import_done", {}),
    ):
        page.evaluate(send_plain, json.dumps({"event": event, "data": data}))
    assert page.evaluate("calls") == [
        ["render", None],
        ["onInit", INIT],
        ["onUpdate", {"value": 16}],
        ["done", {}],
    ]
    page.evaluate("() => bar.emit('start').websocket.request('echo')")
    assert world.heard[-2]["event"] == "import_start"


def test_engines_without_the_methods_are_refused(page: Page) -> None:
    thrown = page.evaluate(
        """() => [
            () => new ProgressBarModule({}, {}),
            () => new ProgressBarModule({on() {}}, {render() {}}),
            () => new ProgressBarModule.HTML5("#bar"),
            () => new ProgressBarModule.Bootstrap(document.body, {progressbar: {context: "x"}}),
        ].map((call) => { try { call(); } catch (error) { return error.name; } })"""
    )
    assert thrown == ["TypeError"] * 4
