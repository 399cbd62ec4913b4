"""The URLconf of the test project."""

from __future__ import annotations

from django.urls import include, path

from tests.project import views

sockets = [
    path("echo/", views.echo, name="echo"),
    path("iterate/", views.iterate),
    path("greet/<str:name>/", views.greet),
    path("greet/<str:name>/<int:times>/", views.greet, name="greet"),
    path("subprotocol/", views.subprotocol),
    path("partners/", views.partners),
    path("everybody/", views.everybody),
    path("whoami/", views.whoami),
    path("nobody/", views.nobody),
    path("members/", views.members),
    path("permitted/", views.permitted),
    path("permitted-or-login/", views.permitted_or_login),
    path("method/<str:name>/", views.Method.as_view()),
    path("decorated-method/<str:name>/", views.DecoratedMethod.as_view()),
    path("decorated-class/<str:name>/", views.DecoratedClass.as_view()),
    path("locale/", views.locale),
    path("failing/", views.failing),
    path("raising/<where>/<name>/", views.raising),
    path("in-a-group/", views.in_a_group),
    path("foreign-end/", views.foreign_end),
    path("closing/<int:code>/", views.closing),
    path("from-a-thread/", views.from_a_thread),
    path("opcodes/", views.opcodes),
    path("change-session/", views.change_session),
    path("session-cookie/", views.session_cookie),
    path("at-barrier/", views.at_barrier),
    path("rows/", views.rows),
    path("count-rows/", views.count_rows),
    path("deaf/", views.deaf),
    path("collect/", views.collect),
    path("impatient/", views.impatient),
    path("two-readers/", views.two_readers),
    path("other-loop/", views.other_loop),
    path("write-after-end/", views.write_after_end),
    path("flood/", views.flood),
    path("flood-from-thread/", views.flood_from_thread),
    path("patient-flood/", views.patient_flood),
    path("slow-start/", views.slow_start),
    path("not-found/", views.not_found),
    path("forbidden/", views.forbidden),
    path("unauthorized/", views.unauthorized),
    path("to-https/", views.to_https),
    path("elsewhere/", views.elsewhere),
    path("frames/", include("tests.project.frames_views")),
]
urlpatterns = [
    path("page/", views.page, name="page"),
    path("large/", views.large),
    path("blocked/", views.blocked),
    path("test/", include("c10kws.testpages")),
    path("proxied/", include("tests.project.proxied_views")),
    path("longpoll/", include("tests.project.longpoll_views")),
    path("ws/", include((sockets, "sockets"))),
    path("events/", include("c10kws.events.urls")),
]
