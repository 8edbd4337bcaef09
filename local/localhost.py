"""HTTP to this machine only."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import requests


def request(
    method: str, url: str, *, body: bytes | str | None = None, headers: Mapping[str, str] | None = None, timeout: float
) -> requests.Response:
    """Send as given: no proxy, no redirect followed, names under `.localhost` resolved here.

    API Gateway's local address is `<api-id>.execute-api.localhost`. Browsers and curl know that such names mean this
    machine; many resolvers that Python asks do not.
    """
    parts = urlsplit(url)
    given = dict(headers or {})
    if (parts.hostname or "").endswith(".localhost"):
        given.setdefault("Host", parts.netloc)
        url = parts._replace(netloc=f"127.0.0.1:{parts.port or 80}").geturl()
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, data=body, headers=given, timeout=timeout, allow_redirects=False)
