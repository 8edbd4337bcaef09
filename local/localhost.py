"""HTTP to this machine only."""

from collections.abc import Mapping

import requests


def request(
    method: str, url: str, *, body: bytes | str | None = None, headers: Mapping[str, str] | None = None, timeout: float
) -> requests.Response:
    """Send as given: no proxy of the environment, no password of a .netrc, no redirect followed."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False)
