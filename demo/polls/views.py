"""Plain Django: these views do not use c10kws."""

from __future__ import annotations

from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from polls.forms import VoteForm
from polls.models import Question

#: Questions on the first page.
LATEST = 5


def published() -> QuerySet[Question]:
    """Return the published questions, the latest first."""
    return Question.objects.filter(published__lte=timezone.now())


def index(request: HttpRequest) -> HttpResponse:
    return render(request, "polls/index.html", {"questions": published()[:LATEST]})


def detail(request: HttpRequest, number: int) -> HttpResponse:
    question = get_object_or_404(published(), pk=number)
    context = {"question": question, "form": VoteForm(question)}
    return render(request, "polls/detail.html", context)


@require_POST
def vote(request: HttpRequest, number: int) -> HttpResponse:
    """Count a vote, in the database, so that simultaneous votes all count."""
    question = get_object_or_404(published(), pk=number)
    form = VoteForm(question, request.POST)
    if not form.is_valid():
        context = {"question": question, "form": form}
        return render(request, "polls/detail.html", context, status=400)
    question.choices.filter(pk=form.cleaned_data["choice"].pk).update(votes=F("votes") + 1)
    return redirect("polls:results", number)


def results(request: HttpRequest, number: int) -> HttpResponse:
    question = get_object_or_404(published(), pk=number)
    choices = question.choices.all()
    context = {
        "question": question,
        "choices": choices,
        "total": sum(choice.votes for choice in choices),
    }
    return render(request, "polls/results.html", context)
