"""Request targets and Host: RFC 9112 §3.2, RFC 9110 §7.2."""

from __future__ import annotations

from .case import CLOSED, case, got

CASES = (
    case(
        "9112 §3.2.1",
        "origin form",
        "GET /a/b?c=d&e HTTP/1.1\nHost: a\n\n",
        got("/a/b", QUERY_STRING="c=d&e", REQUEST_URI="/a/b?c=d&e"),
    ),
    case(
        "9112 §3.2.1",
        "a question mark within the query",
        "GET /a?b?c HTTP/1.1\nHost: a\n\n",
        got("/a", QUERY_STRING="b?c"),
    ),
    case("3986 §3.3", "an empty first segment", "GET //b/c HTTP/1.1\nHost: a\n\n", got("//b/c")),
    case("3986 §2.1", "an escaped slash", "GET /a%2Fb HTTP/1.1\nHost: a\n\n", got("/a/b")),
    case("3986 §2.1", "an escape that is none", "GET /%zz% HTTP/1.1\nHost: a\n\n", got("/%zz%")),
    case(
        "3986 §2.1",
        "an escaped line end",
        "GET /a%0d%0aX:b HTTP/1.1\nHost: a\n\n",
        got("/a\r\nX:b", HTTP_X=None),
    ),
    case("3986 §2.1", "an escaped NUL", "GET /a%00b HTTP/1.1\nHost: a\n\n", got("/a\0b")),
    case("3986 §3.3", "dots are not resolved", "GET /a/../b HTTP/1.1\nHost: a\n\n", got("/a/../b")),
    case(
        "9112 §3.2",
        "octets that are not ASCII are tolerated",
        "GET /caf\xe9 HTTP/1.1\nHost: a\n\n",
        got("/caf\xe9"),
    ),
    case("9112 §3.2", "a space in the target", "GET /a b HTTP/1.1\nHost: a\n\n", 400),
    case("9112 §3.2", "a tab in the target", "GET /a<TAB>b HTTP/1.1\nHost: a\n\n", 400),
    case("9112 §3.2", "NUL in the target", "GET /a<NUL>b HTTP/1.1\nHost: a\n\n", 400),
    case("9112 §3.2", "DEL in the target", "GET /a\x7fb HTTP/1.1\nHost: a\n\n", 400),
    case("9112 §3.2", "a target without a slash", "GET a/b HTTP/1.1\nHost: a\n\n", 400),
    case("9112 §3.2", "a query only", "GET ?a HTTP/1.1\nHost: a\n\n", 400),
    case(
        "9112 §3.2.2",
        "an absolute target replaces Host",
        "GET http://b:81/x?y HTTP/1.1\nHost: a\n\n",
        got("/x", QUERY_STRING="y", HTTP_HOST="b:81", REQUEST_URI="http://b:81/x?y"),
    ),
    case(
        "9112 §3.2.2",
        "an absolute target without a path",
        "GET http://b HTTP/1.1\nHost: a\n\n",
        got("/", HTTP_HOST="b"),
    ),
    case(
        "9112 §3.2.2",
        "an absolute target with a query only",
        "GET http://b?c HTTP/1.1\nHost: a\n\n",
        got("/", QUERY_STRING="c", HTTP_HOST="b"),
    ),
    case(
        "3986 §3.1",
        "a scheme in upper case",
        "GET HTTP://b/x HTTP/1.1\nHost: a\n\n",
        got("/x", HTTP_HOST="b"),
    ),
    case(
        "9112 §3.2.2",
        "an absolute target in HTTP/1.0",
        "GET http://b/x HTTP/1.0\n\n",
        got("/x", HTTP_HOST="b"),
        CLOSED,
    ),
    case("9110 §4.2.1", "an empty authority", "GET http:///x HTTP/1.1\nHost: a\n\n", 400),
    case("9110 §7.1", "another scheme", "GET ftp://b/x HTTP/1.1\nHost: a\n\n", 400),
    case("9110 §7.1", "a scheme only", "GET http: HTTP/1.1\nHost: a\n\n", 400),
    case(
        "3986 §3.2.2", "a bracket that is not closed", "GET http://[::1/ HTTP/1.1\nHost: a\n\n", 400
    ),
    # A proxy may take a successful response for the beginning of a tunnel (9110 §9.3.6).
    case(
        "9112 §3.2.3",
        "CONNECT with a path",
        "CONNECT /a HTTP/1.1\nHost: a\n\n",
        400,
    ),
    case(
        "9112 §3.2.3",
        "CONNECT with a URL",
        "CONNECT http://b/a HTTP/1.1\nHost: a\n\n",
        400,
    ),
    case("9112 §3.2.3", "CONNECT", "CONNECT b:80 HTTP/1.1\nHost: b:80\n\n", 400),
    case(
        "9112 §3.2.4",
        "the asterisk of OPTIONS",
        "OPTIONS * HTTP/1.1\nHost: a\n\n",
        got("", REQUEST_URI="*"),
    ),
    case("9112 §3.2.4", "an asterisk with another method", "GET * HTTP/1.1\nHost: a\n\n", 400),
    case("9112 §3.2", "no Host", "GET / HTTP/1.1\n\n", 400),
    case("9112 §3.2", "two equal Hosts", "GET / HTTP/1.1\nHost: a\nHost: a\n\n", 400),
    case("9112 §3.2", "two Hosts", "GET / HTTP/1.1\nHost: a\nHost: b\n\n", 400),
    case("9112 §3.2", "two Hosts, one empty", "GET / HTTP/1.1\nHost:\nHost: b\n\n", 400),
    case("9112 §3.2", "two Hosts in HTTP/1.0", "GET / HTTP/1.0\nHost: a\nHost: b\n\n", 400),
    case(
        "9112 §3.2",
        "two Hosts and an absolute target",
        "GET http://c/ HTTP/1.1\nHost: a\nHost: b\n\n",
        400,
    ),
    case(
        "9112 §3.2",
        "an absolute target without Host",
        "GET http://b/ HTTP/1.1\n\n",
        400,
    ),
    case("9112 §3.2", "an empty Host", "GET / HTTP/1.1\nHost:\n\n", got("/", HTTP_HOST="")),
    case("9110 §7.2", "a Host with a port", "GET / HTTP/1.1\nHost: a:8\n\n", got(HTTP_HOST="a:8")),
    case("9110 §7.2", "IPv6", "GET / HTTP/1.1\nHost: [::1]:8\n\n", got(HTTP_HOST="[::1]:8")),
    case("9112 §3.2", "a Host with a space", "GET / HTTP/1.1\nHost: a b\n\n", 400),
    case("9112 §3.2", "a Host with a path", "GET / HTTP/1.1\nHost: a/b\n\n", 400),
    case("9112 §3.2", "a Host with a user", "GET / HTTP/1.1\nHost: a@b\n\n", 400),
    case("9112 §3.2", "a Host with a list", "GET / HTTP/1.1\nHost: a, b\n\n", 400),
)
