"""The template tag, the scripts and the modules."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template import Context, Template
from playwright.sync_api import Page

from tests.project.client_views import SUBPROTOCOL


def test_the_tag_links_the_scripts_in_a_browser_with_a_policy(page: Page) -> None:
    scripts = "[...document.scripts].map((each) => [each.getAttribute('src'), each.nonce])"
    assert page.evaluate(scripts) == [
        ["/static/c10kws/client.js", "n0nce"],
        ["/static/c10kws/progress.js", "n0nce"],
    ]


def rendered(tag: str, **context: Any) -> str:
    return Template("{% load c10kws %}{% " + tag + " %}").render(Context(context))


def test_the_tag_has_the_nonce_of_the_request() -> None:
    request = HttpRequest()
    plain = '<script src="/static/c10kws/client.js" data-prefix="/events/"></script>'
    assert rendered("c10kws_client") == plain
    assert rendered("c10kws_client", request=request, csp_nonce=None) == plain
    noncy = plain.replace("></", ' nonce="a&amp;b"></')
    assert rendered("c10kws_client", request=request, csp_nonce="a&b") == noncy
    request.csp_nonce = "a&b"  # type: ignore[attr-defined]
    assert rendered("c10kws_client", request=request) == noncy


def test_the_tag_uses_a_lazy_nonce() -> None:
    class Lazy:
        def __bool__(self) -> bool:
            return False

        def __str__(self) -> str:
            return "made"

    assert 'nonce="made"' in rendered("c10kws_client", csp_nonce=Lazy())


def test_the_tag_can_defer_the_scripts() -> None:
    assert rendered("c10kws_client progress=True defer=True").splitlines() == [
        '<script src="/static/c10kws/client.js" data-prefix="/events/" defer></script>',
        '<script src="/static/c10kws/progress.js" defer></script>',
    ]


def test_the_tag_has_no_prefix_without_the_include(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.project.client_views"
    assert rendered("c10kws_client") == '<script src="/static/c10kws/client.js"></script>'


def test_the_modules_export_the_names_of_the_scripts(page: Page) -> None:
    assert page.evaluate(
        """async () => {
            const client = await import("/static/c10kws/client.mjs");
            const progress = await import("/static/c10kws/progress.mjs");
            return [
                client.default === window.TornadoWebSocket,
                client.TornadoWebSocket === client.default,
                client.tws === window.tws,
                client.SUBPROTOCOL,
                progress.ProgressBarModule === window.ProgressBarModule,
            ];
        }"""
    ) == [True, True, True, SUBPROTOCOL, True]
