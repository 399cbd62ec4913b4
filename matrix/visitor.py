"""A visitor of a site, with cookies, redirects and forms like a browser."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from http.cookiejar import CookieJar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

#: Seconds to wait for a response.
PATIENCE = 60.0
TOKEN = re.compile('name="csrfmiddlewaretoken" value="([^"]+)"')


class Unexpected(Exception):
    """Raised for an unexpected response; the text has both."""


@dataclass(frozen=True)
class Page:
    """A response, after redirects."""

    path: str
    status: int
    text: str

    def must_show(self, *texts: str) -> None:
        """Raise :exc:`Unexpected` unless all texts are on the page."""
        for text in texts:
            if text not in self.text:
                raise Unexpected(f"{self.path} ({self.status}) does not show {text!r}")


class Visitor:
    """A client of ``http://address:port``; it waits at most PATIENCE for a response."""

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
        """Request a page. Raises :exc:`Unexpected` for another status or no response."""
        return self._open(path, None, status)

    def post(self, path: str, fields: Mapping[str, str], *, status: int = 200) -> Page:
        """Send the fields, with the token of the last form."""
        own = {"csrfmiddlewaretoken": self._token} if self._token else {}
        return self._open(path, urlencode({**own, **fields}).encode(), status)

    def _open(self, path: str, data: bytes | None, status: int) -> Page:
        try:
            answer = self._opener.open(self._site + path, data, PATIENCE)
        except HTTPError as error:
            answer = error
        except (URLError, OSError, HTTPException) as error:
            raise Unexpected(f"{path} did not respond: {error!r}") from error
        with answer:
            text = answer.read().decode()
        if answer.status != status:
            raise Unexpected(f"{path} responded with {answer.status} instead of {status}")
        if found := TOKEN.search(text):
            self._token = found[1]
        return Page(urlsplit(answer.url).path, answer.status, text)
