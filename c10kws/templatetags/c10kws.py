"""``{% load c10kws %}{% c10kws_client %}``: script elements of the event layer in a template."""

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
    """Return script elements for ``client.js`` and, if ``progress`` is True, ``progress.js``.

    The nonce of a Content-Security-Policy is added if the context of the template (Django 6) or the
    request (django-csp) has ``csp_nonce``. With ``defer``, the scripts run after the page is
    parsed; scripts that use them must then also have ``defer``, or be modules.

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
    """Return an attribute with the path of the include; "" if the URLconf does not have it."""
    try:
        return format_html(' data-prefix="{}"', reverse("c10kws:/"))
    except NoReverseMatch:
        return SafeString("")


def _nonce(context: Context) -> str:
    """Return the nonce, or an empty string. A lazy nonce is false until str() creates it."""
    nonce = context.get("csp_nonce")
    if nonce is None:
        nonce = getattr(context.get("request"), "csp_nonce", None)
    return "" if nonce is None else str(nonce)
