"""The pages of the polls."""

from __future__ import annotations

from django.urls import path

from polls import views

app_name = "polls"
urlpatterns = [
    path("", views.index, name="index"),
    path("<int:number>/", views.detail, name="detail"),
    path("<int:number>/vote/", views.vote, name="vote"),
    path("<int:number>/results/", views.results, name="results"),
]
