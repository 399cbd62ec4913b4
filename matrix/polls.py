"""The check of Django: the polls, from the first vote to a new question."""

from __future__ import annotations

import re

from .visitor import Page, Unexpected, Visitor

#: The user, made by ``createsuperuser``.
NAME = PASSWORD = "matrix"
#: A part of the last line that the server logs about the check.
LAST = '"GET /polls/2/'
SAMPLE = "What goes with the tea?"


def walk(visitor: Visitor) -> None:
    """Vote, view the results, log in to the admin and add a question. Raises :exc:`Unexpected`."""
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
    """Add a question with the admin's form; without a day (such as 2026-11-21) published now."""
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
    """Return the initial value of a form's field."""
    found = re.search(f'name="{name}" value="([^"]*)"', form)
    if found is None:
        raise Unexpected(f"the form has no field {name} with a value")
    return found[1]


def must_be(page: Page, path: str, *texts: str) -> None:
    """Raise :exc:`Unexpected` unless this is ``path``, after redirects, and shows the texts."""
    if page.path != path:
        raise Unexpected(f"the request ended at {page.path} instead of {path}")
    page.must_show(*texts)
