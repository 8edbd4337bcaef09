"""One HTTP request whose outcome is a verdict: an answer for success, or Retry or Dead (design, "Delivery")."""

import ssl
from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from io import BytesIO
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, SSLError

from pressroom.platform import config
from pressroom.platform.errors import Dead, Retry

TIMEOUT_S = (3.05, 10)
"""Seconds to connect, and between two bytes of the answer; together well inside the function's own time-out."""
READ_S = 10
"""Seconds that the whole body of an answer may take, however steadily it trickles."""
LARGE = 64 * 1024
"""From how many bytes on a body is sent in pieces: each must go within the time to connect, and otherwise all of it."""
RETRYABLE = frozenset({408, 429})
AMBIGUOUS = frozenset({502, 504})


class _Session(requests.Session):
    """Takes no redirect for one: requests would read its whole body and parse its Location even if told not to follow.

    Nor does it look for proxies and passwords in the environment.
    """

    trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


@dataclass(frozen=True)
class Answer:
    """A 2xx answer, or another one that was asked for; `body` is empty unless it was asked for, too."""

    status: int
    body: bytes = b""


def post(url: str, body: bytes, headers: Mapping[str, str], *, now: Callable[[], datetime] = config.utcnow) -> int:
    """POST a body once; the status of a 2xx answer, whose body is not read. See `request` for the verdicts."""
    return request("POST", url, body=body, headers=headers, now=now).status


def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str],
    read: int = 0,
    also: Container[int] = (),
    now: Callable[[], datetime] = config.utcnow,
) -> Answer:
    """Send a request once and return a 2xx answer, of whose body `read` bytes at most are taken, as they come.

    Answers with a status in `also` are returned like it, instead of being the end. Since the status says what matters,
    their bodies may be cut short: at `read` bytes, or where reading them failed.

    Raises Retry for 408, 429, 5xx, what goes wrong below HTTP, and a body that is longer than `read`, slow or cut off;
    Dead for every other answer, redirects included: they are never followed, since they would carry signed personal
    data to a place that nobody configured. A connection is not reused, because one that the other side closes in the
    meantime would fail after the request was sent.

    Unless it is certain that the request was not heard, or that the destination itself refused it, an answer counts as
    lost: 502 and 504 come from a gateway that may have handed it on.
    """
    require_https(url)
    if read:
        headers = {"Accept-Encoding": "identity", **headers}  # `read` bounds what is held, so nothing may be packed
    content = bytearray()
    data = BytesIO(body) if body and len(body) > LARGE else body
    with _Session() as session:
        try:
            prepared = session.prepare_request(requests.Request(method, url, data=data, headers=dict(headers)))
        except ValueError as error:  # an URL or a header that can't be written
            raise Retry(f"not sent: {type(error).__name__}") from error
        try:
            with session.send(prepared, timeout=TIMEOUT_S, allow_redirects=False, stream=True) as answer:
                status = answer.status_code
                after = retry_after(answer.headers.get("Retry-After"), now())
                if read and 200 <= status < 300:
                    _take(answer, content, read, now)
                elif read and status in also:
                    with suppress(Retry, requests.RequestException, HTTPError, ValueError):
                        _take(answer, content, read, now)
        except (requests.RequestException, HTTPError, ValueError) as error:
            if _was_not_heard(error):
                raise Retry("no connection") from error
            raise Retry(f"no answer: {type(error).__name__}", answer_lost=True) from error
    if 200 <= status < 300 or status in also:
        return Answer(status, bytes(content[:read]))
    if status in RETRYABLE or status >= 500 or status < 200:
        raise Retry(f"HTTP {status}", after=after, status=status, answer_lost=status in AMBIGUOUS or status < 200)
    raise Dead(f"HTTP {status}", status=status)


def _take(answer: requests.Response, content: bytearray, most: int, now: Callable[[], datetime]) -> None:
    """Add to `content` what comes, piece by piece: requests' own way waits for a full piece, whatever the deadline."""
    deadline = now() + timedelta(seconds=READ_S)
    while piece := answer.raw.read1(most + 1 - len(content), decode_content=False):
        content += piece
        if len(content) > most:
            raise Retry("the answer is too long", status=answer.status_code, answer_lost=True)
        if now() > deadline:
            raise Retry("the answer takes too long", status=answer.status_code, answer_lost=True)


def _was_not_heard(error: Exception) -> bool:
    """Tell whether an attempt surely failed before anything was sent; a broken TLS connection may have come later."""
    if isinstance(error, requests.exceptions.ConnectTimeout | UnicodeEncodeError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if isinstance(reason, SSLError):
        return any(isinstance(each, ssl.SSLCertVerificationError) for each in reason.args)
    return isinstance(reason, NewConnectionError)


def require_https(url: str) -> None:
    """Refuse to send to anything but https. The local cloud may use http: its partners are simulators on this desk."""
    if urlsplit(url).scheme != "https" and not config.local_endpoint():
        raise Retry("the destination's URL is not https")


def retry_after(value: str | None, now: datetime) -> float:
    """Read a Retry-After header, seconds or an HTTP date, as seconds from now; 0 for none and for garbage."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0
    return max(0, (moment - now).total_seconds()) if moment.tzinfo else 0
