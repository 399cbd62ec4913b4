"""Django works: a walk through the polls, from the first vote to a new question."""

from __future__ import annotations

import re

from .visitor import Page, Unexpected, Visitor

#: Who walks; made by ``createsuperuser``.
NAME = PASSWORD = "matrix"
#: In the last line that the server logs about it.
LAST = '"GET /polls/2/'
SAMPLE = "What goes with the tea?"


def walk(visitor: Visitor) -> None:
    """Vote, look, log in to the admin and ask something; raise :exc:`Unexpected`."""
    visitor.get("/polls/").must_show(SAMPLE, "/polls/1/")
    visitor.get("/static/polls/polls.css").must_show(".choices")
    visitor.get("/polls/1/").must_show(SAMPLE, "Biscuits")
    must_be(visitor.post("/polls/1/vote/", {"choice": "1"}), "/polls/1/results/", "1 vote<")
    log_in(visitor)
    ask(visitor, "Does it work?", ["Yes", "No"])
    visitor.get("/polls/2/").must_show("Does it work?", "Yes", "No")


def log_in(visitor: Visitor) -> None:
    """Log in to the admin."""
    visitor.get("/admin/login/")
    fields = {"username": NAME, "password": PASSWORD, "next": "/admin/"}
    must_be(visitor.post("/admin/login/", fields), "/admin/", "Polls")


def ask(visitor: Visitor, question: str, choices: list[str], published: str = "") -> None:
    """Add a question by the admin's form; without a day, as in 2026-11-21, published now."""
    form = visitor.get("/admin/polls/question/add/").text
    fields = {
        "text": question,
        "published_0": published or value(form, "published_0"),
        "published_1": value(form, "published_1"),
        "choices-TOTAL_FORMS": str(len(choices)),
        "choices-INITIAL_FORMS": "0",
        **{f"choices-{number}-text": text for number, text in enumerate(choices)},
        **{f"choices-{number}-votes": "0" for number in range(len(choices))},
    }
    saved = visitor.post("/admin/polls/question/add/", fields)
    must_be(saved, "/admin/polls/question/", "was added successfully")


def value(form: str, name: str) -> str:
    """Return what a field of a form holds already."""
    found = re.search(f'name="{name}" value="([^"]*)"', form)
    if found is None:
        raise Unexpected(f"the form has no field {name} with a value")
    return found[1]


def must_be(page: Page, path: str, *texts: str) -> None:
    """Raise :exc:`Unexpected` unless this is ``path``, after redirects, and shows the texts."""
    if page.path != path:
        raise Unexpected(f"expected to arrive at {path}, and this is {page.path}")
    page.must_show(*texts)
