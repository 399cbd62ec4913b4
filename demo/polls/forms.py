"""The form of a vote."""

from __future__ import annotations

from typing import Any

from django import forms

from polls.models import Choice, Question


class VoteForm(forms.Form):
    """One of the choices of a question."""

    choice = forms.ModelChoiceField(
        Choice.objects.none(),
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose an answer first.",
            "invalid_choice": "This is not one of the answers.",
        },
    )

    def __init__(self, question: Question, *args: Any) -> None:
        super().__init__(*args)
        choice = self.fields["choice"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = question.choices.all()
