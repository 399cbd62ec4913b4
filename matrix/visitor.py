"""A visitor of a site: cookies, redirects and forms, as a browser has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from http.cookiejar import CookieJar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

#: Seconds until an answer must be there.
PATIENCE = 60.0
TOKEN = re.compile('name="csrfmiddlewaretoken" value="([^"]+)"')


class Unexpected(Exception):
    """An answer is not what it must be; says which, and what came."""


@dataclass(frozen=True)
class Page:
    """An answer, after redirects."""

    path: str
    status: int
    text: str

    def must_show(self, *texts: str) -> None:
        """Raise :exc:`Unexpected` unless all texts are on the page."""
        for text in texts:
            if text not in self.text:
                raise Unexpected(f"{self.path} ({self.status}) does not show {text!r}")


class Visitor:
    """A client of ``http://address:port``; it waits at most PATIENCE for an answer."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._cookies = CookieJar()
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self._cookies))
        self._token = ""

    @property
    def cookie(self) -> str:
        """The value of the header Cookie."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)

    def get(self, path: str, *, status: int = 200) -> Page:
        """Ask for a page; raise :exc:`Unexpected` when it has another status, or none."""
        return self._open(path, None, status)

    def post(self, path: str, fields: Mapping[str, str], *, status: int = 200) -> Page:
        """Send the fields, with the token of the last page that had a form."""
        own = {"csrfmiddlewaretoken": self._token} if self._token else {}
        return self._open(path, urlencode({**own, **fields}).encode(), status)

    def _open(self, path: str, data: bytes | None, status: int) -> Page:
        try:
            answer = self._opener.open(self._site + path, data, PATIENCE)
        except HTTPError as error:
            answer = error
        except (URLError, OSError, HTTPException) as error:
            raise Unexpected(f"{path} does not answer: {error!r}") from error
        with answer:
            text = answer.read().decode()
        if answer.status != status:
            raise Unexpected(f"{path} answers {answer.status}, not {status}")
        if found := TOKEN.search(text):
            self._token = found[1]
        return Page(urlsplit(answer.url).path, answer.status, text)
