"""Header fields: RFC 9112 §5, RFC 9110 §5."""

from __future__ import annotations

from .case import case, got

LINE = "GET / HTTP/1.1\nHost: a\n"

CASES = (
    case(
        "9110 §5.1",
        "names have no case",
        LINE + "x-a: b\nCOOKIE: c\n\n",
        got(HTTP_X_A="b", HTTP_COOKIE="c"),
    ),
    case(
        "9110 §5.1",
        "every character of a token",
        LINE + "!#$%&'*+-.^`|~09aZ: b\n\n",
        got(**{"HTTP_!#$%&'*+_.^`|~09AZ": "b"}),
    ),
    case(
        "9110 §5.3",
        "equal names are joined",
        LINE + "X-A: 1\nX-B: 2\nx-a: 3\n\n",
        got(HTTP_X_A="1,3", HTTP_X_B="2"),
    ),
    case(
        "6265 §5.4",
        "cookies are joined",
        LINE + "Cookie: a=1\nCookie: b=2\n\n",
        got(HTTP_COOKIE="a=1; b=2"),
    ),
    case(
        "9112 §5.1",
        "white space around a value",
        LINE + "X-A: <TAB> b <TAB>\n\n",
        got(HTTP_X_A="b"),
    ),
    case("9112 §5.1", "no white space before a value", LINE + "X-A:b\n\n", got(HTTP_X_A="b")),
    case(
        "9110 §5.5", "an empty value", LINE + "X-A:\nX-B: <TAB>\n\n", got(HTTP_X_A="", HTTP_X_B="")
    ),
    case(
        "9110 §5.5",
        "white space within a value",
        LINE + "X-A: b <TAB> c\n\n",
        got(HTTP_X_A="b \t c"),
    ),
    case("9110 §5.5", "a colon in a value", LINE + "X-A: :b:c\n\n", got(HTTP_X_A=":b:c")),
    case(
        "9110 §5.5",
        "octets that are not ASCII",
        LINE + "X-A: caf\xe9\xff\n\n",
        got(HTTP_X_A="caf\xe9\xff"),
    ),
    case("9110 §5.5", "NUL in a value", LINE + "X-A: b<NUL>c\n\n", 400),
    case("9110 §5.5", "NUL at the end of a value", LINE + "X-A: b<NUL>\n\n", 400),
    case("9110 §5.5", "another control character in a value", LINE + "X-A: b\x01c\n\n", 400),
    case("9110 §5.5", "DEL in a value", LINE + "X-A: b\x7fc\n\n", 400),
    case("9110 §5.5", "a vertical tab before a value", LINE + "X-A:<VT>b\n\n", 400),
    case(
        "9110 §5.5", "a next line character", LINE + "X-A: b\x85c: d\n\n", got(HTTP_X_A="b\x85c: d")
    ),
    case("9112 §5.1", "a space before the colon", LINE + "X-A : b\n\n", 400),
    case("9112 §5.1", "a tab before the colon", LINE + "X-A<TAB>: b\n\n", 400),
    case("9110 §5.1", "a space in a name", LINE + "X A: b\n\n", 400),
    case("9110 §5.1", "an empty name", LINE + ": b\n\n", 400),
    case("9110 §5.1", "NUL in a name", LINE + "X<NUL>A: b\n\n", 400),
    case("9110 §5.1", "a bracket in a name", LINE + "X[A]: b\n\n", 400),
    case("9110 §5.1", "a name that is not ASCII", LINE + "X\xc4: b\n\n", 400),
    case("9112 §5", "no colon", LINE + "X-A\n\n", 400),
    case("9112 §5", "no colon in the last line", LINE + "X-A: b\nnonsense\n\n", 400),
    case("9112 §5.2", "a folded value", LINE + "X-A: b\n c\n\n", 400),
    case("9112 §5.2", "a value folded by a tab", LINE + "X-A: b\n<TAB>c\n\n", 400),
    case("9112 §5.2", "a folded value without its first line", LINE + "X-A:\n b\n\n", 400),
    case("9112 §5.2", "a folded Host", "GET / HTTP/1.1\nHost: a\n b\n\n", 400),
    case("9112 §5.2", "a line of white space", LINE + "X-A: b\n \n\n", 400),
    case(
        "9110 §5.1", "an underscore", LINE + "X_A: b\nX-B: c\n\n", got(HTTP_X_A=None, HTTP_X_B="c")
    ),
    case(
        "9110 §8.3",
        "Content-Type",
        LINE + "Content-Type: a/b\n\n",
        got(CONTENT_TYPE="a/b", HTTP_CONTENT_TYPE=None),
    ),
    case(
        "3875 §4.1.18",
        "no field replaces a key",
        LINE + "Content_Length: 5\nRemote-Addr: b\n\n",
        got(CONTENT_LENGTH=None, HTTP_REMOTE_ADDR="b", HTTP_CONTENT_LENGTH=None),
    ),
    case(
        "9110 §5.4", "a value of 7,000 octets", LINE + "X-A: <x*7000>\n\n", got(HTTP_X_A="x" * 7000)
    ),
    case(
        "9110 §5.4",
        "500 fields",
        LINE + "".join(f"X-{i}: b\n" for i in range(500)) + "\n",
        got(HTTP_X_499="b"),
    ),
    case("6585 §5", "a value over the limit", LINE + "X-A: <x*9000>\n\n", 431),
    case("6585 §5", "a head far over the limit", LINE + "X-A: <x*30000>\n\n", 431),
    case("6585 §5", "a head without an end", LINE + "X-A: <x*30000>", 431),
    case("6585 §5", "fields over the limit", LINE + "X-A: b\n" * 1500 + "\n", 431),
)
