"""Django's equivalents for the rest of Tornado's handlers and requests."""

from __future__ import annotations

from collections.abc import Mapping

_FORGE = "django.core.signing"
_ETAG = "@condition or @etag of django.views.decorators.http"
_METHOD = "request.method in the view, or a method of a django.views.View"
_CLASS = "__init__() and setup() of a django.views.View"
_LANGUAGE = "django.utils.translation.get_language()"
_ASSETS = "a <script> or <link> in the template"
_XSRF = "{% csrf_token %} and CsrfViewMiddleware"

#: Each public attribute of Tornado 6.6's RequestHandler that a Handler does not have.
HANDLER: Mapping[str, str] = {
    "SUPPORTED_METHODS": "@require_http_methods",
    "application": "django.conf.settings and the URLconf",
    "check_etag_header": _ETAG,
    "check_trusted_origin": "CSRF_TRUSTED_ORIGINS",
    "check_xsrf_cookie": "CsrfViewMiddleware",
    "clear": "handler.send_error(), or an HttpResponse given to handler.finish()",
    "clear_all_cookies": "response.delete_cookie() for each of request.COOKIES",
    "clear_cookie": "response.delete_cookie() and handler.finish(response)",
    "compute_etag": _ETAG,
    "cookies": "request.COOKIES",
    "create_signed_value": f"{_FORGE}.dumps()",
    "create_template_loader": "the setting TEMPLATES",
    "current_user": "request.user, in an async def view await request.auser()",
    "data_received": "request.read(); the server has received the body before the view is called",
    "decode_argument": "request.encoding",
    "delete": _METHOD,
    "detach": "@websocket; docs/reference/hijack.rst tells how to take the stream over",
    "get": _METHOD,
    "get_body_argument": "request.POST.get()",
    "get_body_arguments": "request.POST.getlist()",
    "get_browser_locale": "django.utils.translation.get_language_from_request(request)",
    "get_cookie": "request.COOKIES.get()",
    "get_current_user": "an authentication backend (AUTHENTICATION_BACKENDS)",
    "get_login_url": "the setting LOGIN_URL",
    "get_query_argument": "request.GET.get()",
    "get_query_arguments": "request.GET.getlist()",
    "get_secure_cookie": "request.get_signed_cookie()",
    "get_secure_cookie_key_version": "the setting SECRET_KEY_FALLBACKS",
    "get_signed_cookie": "request.get_signed_cookie()",
    "get_signed_cookie_key_version": "the setting SECRET_KEY_FALLBACKS",
    "get_template_namespace": "a context processor",
    "get_template_path": "the setting TEMPLATES",
    "get_user_locale": "LocaleMiddleware, or a middleware of yours",
    "head": _METHOD,
    "initialize": _CLASS,
    "locale": _LANGUAGE,
    "log_exception": "the signal got_request_exception, and the logger django.request",
    "on_finish": "the signal request_finished",
    "options": _METHOD,
    "patch": _METHOD,
    "path_args": "the view's arguments",
    "path_kwargs": "the view's arguments",
    "post": _METHOD,
    "prepare": "a decorator, a middleware, or setup() of a django.views.View",
    "put": _METHOD,
    "render": "handler.finish(render(request, template, context))",
    "render_embed_css": _ASSETS,
    "render_embed_js": _ASSETS,
    "render_linked_css": _ASSETS,
    "render_linked_js": _ASSETS,
    "render_string": "django.template.loader.render_to_string()",
    "require_setting": "a system check",
    "reverse_url": "django.urls.reverse()",
    "set_default_headers": "a middleware",
    "set_etag_header": _ETAG,
    "set_secure_cookie": "response.set_signed_cookie() and handler.finish(response)",
    "set_signed_cookie": "response.set_signed_cookie() and handler.finish(response)",
    "settings": "django.conf.settings",
    "static_url": "{% static %}, or django.templatetags.static.static()",
    "ui": "inclusion tags of templates",
    "write_error": "handler400, handler403, handler404 and handler500 of the URLconf",
    "xsrf_form_html": _XSRF,
    "xsrf_token": "django.middleware.csrf.get_token(request)",
}

#: And of its HTTPServerRequest.
REQUEST: Mapping[str, str] = {
    "body_arguments": "request.POST",
    "cookies": "request.COOKIES",
    "files": "request.FILES",
    "get_ssl_certificate": "a header of the proxy that has checked it",
    "host_name": "request.get_host()",
    "query_arguments": "request.GET",
    "request_time": "a time of your own",
    "server_connection": "handler.request.connection",
    "version": 'request.META["SERVER_PROTOCOL"]',
}


def explain(owner: str, name: str, equivalents: Mapping[str, str]) -> str:
    """Return the words of an AttributeError."""
    if name in equivalents:
        return f"{owner} has no {name!r}: Django's place for it is {equivalents[name]}"
    return f"{owner} has no attribute {name!r}"
