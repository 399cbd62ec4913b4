"""The polls of the demo: plain Django, over HTTP."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from matrix import polls
from matrix.demo import Demo
from matrix.visitor import Visitor
from tools.processes import ADDRESS


def votes(visitor: Visitor) -> list[int]:
    """Return the votes for each answer of the first question."""
    text = visitor.get("/polls/1/results/").text
    return [int(number) for number in re.findall(r"<progress [^>]*value=\"(\d+)\"", text)]


def test_a_vote_counts(visitor: Visitor) -> None:
    before = votes(visitor)
    visitor.get("/polls/1/")
    assert visitor.post("/polls/1/vote/", {"choice": "2"}).path == "/polls/1/results/"
    assert votes(visitor) == [before[0], before[1] + 1, before[2]]


def test_votes_at_the_same_time_all_count(visitor: Visitor, port: int) -> None:
    def vote(number: int) -> None:
        voter = Visitor(f"http://{ADDRESS}:{port}")
        voter.get("/polls/1/")
        voter.post("/polls/1/vote/", {"choice": "3"})

    before = votes(visitor)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(vote, range(16)))
    assert votes(visitor) == [before[0], before[1], before[2] + 16]


def test_a_vote_for_nothing_is_refused_with_a_reason(visitor: Visitor) -> None:
    before = votes(visitor)
    visitor.get("/polls/1/")
    nothing = visitor.post("/polls/1/vote/", {}, status=400)
    nothing.must_show("Choose an answer first.", "Biscuits")
    for choice in ("999", "nonsense"):
        wrong = visitor.post("/polls/1/vote/", {"choice": choice}, status=400)
        wrong.must_show("This is not one of the answers.")
    assert votes(visitor) == before


def test_a_vote_needs_the_token_and_a_post(visitor: Visitor) -> None:
    visitor.post("/polls/1/vote/", {"choice": "1"}, status=403)
    visitor.get("/polls/1/vote/", status=405)


def test_a_question_of_the_admin_is_published_later(visitor: Visitor) -> None:
    polls.log_in(visitor)
    polls.ask(visitor, "Will it <work>?", ["Yes", "No"], published="2999-12-31")
    assert "Will it" not in visitor.get("/polls/").text
    visitor.get("/polls/2/", status=404)
    visitor.get("/polls/2/results/", status=404)


def test_a_question_is_escaped(visitor: Visitor) -> None:
    polls.log_in(visitor)
    polls.ask(visitor, "More <b>tea</b>?", ["Yes"], published="2001-01-01")
    visitor.get("/polls/").must_show("More &lt;b&gt;tea&lt;/b&gt;?")


def test_the_models_have_their_migrations(demo: Demo) -> None:
    assert "No changes" in demo.run("manage.py", "makemigrations", "--check", "--dry-run")
