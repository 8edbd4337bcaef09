"""A client of the ops API over HTTP."""

import getpass
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from cli.errors import Failed, NotFound, Unreachable
from local import localhost
from pressroom.platform import paths

TIMEOUT_S = 35
"""Longer than API Gateway's own limit of 30."""
PAGE = 100
LONGEST_ACTOR = 100


class OpsApi:
    """The ops API of an installation. A response other than success is raised as a `Failed`."""

    def __init__(self, api_url: str, token: str) -> None:
        self.api_url = api_url
        self._headers = {"Authorization": f"Bearer {token}", "X-Actor": actor(), "Accept": "application/json"}

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """GET a path. A query parameter that is None is left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._request("GET", path + (f"?{urlencode(given, errors='surrogatepass')}" if given else ""))

    def post(self, path: str, content: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """POST JSON to a path."""
        return self._request("POST", path, json.dumps(content or {}).encode())

    def get_list(
        self,
        path: str,
        name: str,
        *,
        limit: int | None,
        progress: Callable[[int], object] = lambda _: None,
        **query: Any,
    ) -> dict[str, Any]:
        """Return a list's first entries, page after page, as {name: […], "more": …}; without a limit, all of them."""
        found: list[Any] = []
        cursor = None
        while True:
            left = PAGE if limit is None else limit - len(found)
            page = self.get(path, **query, limit=min(PAGE, left), cursor=cursor)
            if not isinstance(page.get(name), list):
                raise failure(HTTPStatus.OK, page, self.api_url)
            found += page[name]
            cursor = page["cursor"]
            progress(len(found))
            if cursor is None or len(found) == limit:
                return {name: found, "more": cursor is not None}

    def _request(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        headers = self._headers if body is None else self._headers | {"Content-Type": "application/json"}
        response = exchange(method, self.api_url + path, body=body, headers=headers)
        try:
            content = response.json()
        except ValueError:
            content = None
        if HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES and isinstance(content, dict):
            return content
        raise failure(response.status_code, content if isinstance(content, dict) else {}, self.api_url)


def failure(status: int, problem: Mapping[str, Any], api_url: str) -> Failed:
    """Return the error for a response. Pressroom's own errors have a `detail`, API Gateway's have a `message`."""
    reason = problem.get("detail") or problem.get("message") or f"HTTP {status} without a readable body."
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return Unreachable(f"{api_url} refuses the ops token.")
        case HTTPStatus.NOT_FOUND if "detail" not in problem:
            return NotFound(f"{api_url} has no such route: is it an older version, or not Pressroom's ops API?")
        case HTTPStatus.NOT_FOUND:
            return NotFound(str(reason))
        case _ if HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST:
            return Unreachable(f"{api_url} responds, but it is not Pressroom's ops API (HTTP {status}).")
        case _:
            return Failed(f"Refused ({status}): {reason}")


def exchange(
    method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> requests.Response:
    """Send a request and return the response, whatever its status. Follows no redirect."""
    try:
        if is_local(url):
            return localhost.request(method, url, body=body, headers=headers, timeout=TIMEOUT_S)
        return requests.request(
            method,
            url,
            data=body,
            headers=headers,
            timeout=(5, TIMEOUT_S),
            allow_redirects=False,
            auth=lambda request: request,  # otherwise requests replaces the token with a password from .netrc
        )
    except (UnicodeEncodeError, requests.exceptions.InvalidHeader) as error:  # their texts contain the token
        raise Unreachable("The token contains characters that no header can hold. Is it the ops token?") from error
    except requests.RequestException as error:
        # Only the class: the text contains the URL, and the last segment of some URLs is a secret.
        where = urlsplit(url)._replace(path="", query="", fragment="").geturl()
        raise Unreachable(f"{where} does not respond ({type(error).__name__}).") from error


def is_local(url: str) -> bool:
    """Return whether a URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "127.0.0.1") or host.endswith(".localhost")


def actor() -> str:
    """Return the user's name as the API's audit log records it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "nobody"
    return f"cli:{ascii(user)[1:-1]}"[:LONGEST_ACTOR]


def path(*parts: str) -> str:
    """Return a path made of these segments, with ids quoted."""
    if not all(parts):  # an empty segment would be dropped on the way, and the request would reach another route
        raise NotFound("The id is empty.")
    return "/" + "/".join(paths.quoted(each) for each in parts)
