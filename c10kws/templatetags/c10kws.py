"""``{% load c10kws %}{% c10kws_client %}``: the scripts of the event layer, in a template."""

from __future__ import annotations

from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

CLIENT = "c10kws/client.js"
PROGRESS = "c10kws/progress.js"

register = template.Library()


@register.simple_tag(takes_context=True)
def c10kws_client(context: Context, *, progress: bool = False, defer: bool = False) -> SafeString:
    """Link ``client.js``, and ``progress.js`` if ``progress`` is True.

    The nonce of a Content-Security-Policy is added when the template's context has ``csp_nonce``
    (Django 6) or the request does (django-csp). ``defer`` lets the page be parsed first; scripts
    that follow must then wait too, as those with ``defer`` and modules do.

    The client connects below the path at which the URLconf includes ``c10kws.events.urls``.
    """
    attributes = SafeString(" defer") if defer else SafeString("")
    nonce = _nonce(context)
    if nonce:
        attributes += format_html(' nonce="{}"', nonce)
    scripts = [(static(CLIENT), _prefix() + attributes)]
    if progress:
        scripts.append((static(PROGRESS), attributes))
    return format_html_join("\n", '<script src="{}"{}></script>', scripts)


def _prefix() -> SafeString:
    """Return an attribute with the path of the include, "" for a URLconf without it."""
    try:
        return format_html(' data-prefix="{}"', reverse("c10kws:/"))
    except NoReverseMatch:
        return SafeString("")


def _nonce(context: Context) -> str:
    """Return the nonce, or an empty string. A lazy one is false until str() makes it."""
    nonce = context.get("csp_nonce")
    if nonce is None:
        nonce = getattr(context.get("request"), "csp_nonce", None)
    return "" if nonce is None else str(nonce)
