"""The ops API, asked over HTTP."""

import getpass
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from cli.errors import Failed, NotReached
from local import localhost
from pressroom.platform import paths

TIMEOUT_S = 35
"""The gateway gives up after 30."""
PAGE = 100
LONGEST_ACTOR = 100


class NotThere(Failed):
    """There is nothing with this id."""


class Hub:
    """An installation's ops API. What it refuses is raised as a sentence."""

    def __init__(self, api_url: str, token: str) -> None:
        self.api_url = api_url
        self._headers = {"Authorization": f"Bearer {token}", "X-Actor": actor(), "Accept": "application/json"}

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Ask for something; a query parameter that is None is left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._asked("GET", path + (f"?{urlencode(given, errors='surrogatepass')}" if given else ""))

    def post(self, path: str, content: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Have something done."""
        return self._asked("POST", path, json.dumps(content or {}).encode())

    def listed(
        self,
        path: str,
        name: str,
        *,
        limit: int | None,
        progress: Callable[[int], object] = lambda _: None,
        **query: Any,
    ) -> dict[str, Any]:
        """Return a list's first entries as {name: […], "more": …}, page after page; all of them without a limit."""
        found: list[Any] = []
        cursor = None
        while True:
            left = PAGE if limit is None else limit - len(found)
            page = self.get(path, **query, limit=min(PAGE, left), cursor=cursor)
            if not isinstance(page.get(name), list):
                raise refused(HTTPStatus.OK, page, self.api_url)
            found += page[name]
            cursor = page["cursor"]
            progress(len(found))
            if cursor is None or len(found) == limit:
                return {name: found, "more": cursor is not None}

    def _asked(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        headers = self._headers if body is None else self._headers | {"Content-Type": "application/json"}
        answer = exchange(method, self.api_url + path, body=body, headers=headers)
        try:
            content = answer.json()
        except ValueError:
            content = None
        if HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES and isinstance(content, dict):
            return content
        raise refused(answer.status_code, content if isinstance(content, dict) else {}, self.api_url)


def refused(status: int, problem: Mapping[str, Any], whose: str) -> Failed:
    """Return a refusal of the API as what it means here; the gateway's own have a `message` instead of a `detail`."""
    said = problem.get("detail") or problem.get("message") or f"HTTP {status}, and nothing else that can be read."
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return NotReached(f"The ops token is refused by {whose}.")
        case HTTPStatus.NOT_FOUND if "detail" not in problem:
            return NotThere(f"{whose} has no such route: an older version of Pressroom, or not Pressroom's API?")
        case HTTPStatus.NOT_FOUND:
            return NotThere(str(said))
        case _ if HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST:
            return NotReached(f"{whose} answers, but it is not Pressroom's ops API (HTTP {status}).")
        case _:
            return Failed(f"Refused ({status}): {said}")


def exchange(
    method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> requests.Response:
    """Send a request as given and return the answer, whatever it says; no redirect is followed."""
    try:
        if is_here(url):
            return localhost.request(method, url, body=body, headers=headers, timeout=TIMEOUT_S)
        return requests.request(
            method,
            url,
            data=body,
            headers=headers,
            timeout=(5, TIMEOUT_S),
            allow_redirects=False,
            auth=lambda request: request,  # else a .netrc's password would take the token's place
        )
    except (UnicodeEncodeError, requests.exceptions.InvalidHeader) as error:  # their text has what could not be written
        raise NotReached("The token holds characters that no header can: is it the ops token?") from error
    except requests.RequestException as error:
        # The class only: the text has the URL, and the last part of some is a secret.
        where = urlsplit(url)._replace(path="", query="", fragment="").geturl()
        raise NotReached(f"{where} does not answer ({type(error).__name__}).") from error


def is_here(url: str) -> bool:
    """Tell whether an URL means this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "127.0.0.1")


def actor() -> str:
    """Return who asks, as the API records it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "nobody"
    return f"cli:{ascii(user)[1:-1]}"[:LONGEST_ACTOR]


def path(*parts: str) -> str:
    """Return a path with ids in it."""
    if not all(parts):  # an empty one would vanish on the way, and something else be asked
        raise NotThere("There is nothing with an empty id.")
    return "/" + "/".join(paths.quoted(each) for each in parts)
