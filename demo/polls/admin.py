"""Questions with their choices, on one page of the admin."""

from __future__ import annotations

from django.contrib import admin

from polls.models import Choice, Question


class ChoiceInline(admin.TabularInline):
    model = Choice
    extra = 3


@admin.register(Question)
class QuestionAdmin(admin.ModelAdmin):
    inlines = (ChoiceInline,)
    list_display = ("text", "published")
    list_filter = ("published",)
    search_fields = ("text",)
