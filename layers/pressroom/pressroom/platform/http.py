"""One HTTP request: a response for success, or Retry or Dead (design, "Delivery")."""

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
"""Seconds to connect, and between two bytes of the response; their sum is well below the function's own time-out."""
READ_S = 10
"""Seconds that the whole body of a response may take, even if its bytes arrive steadily."""
LARGE = 64 * 1024
"""A body of more bytes is sent in pieces. The time-out for connecting then applies to each piece, not to the whole."""
RETRYABLE = frozenset({408, 429})
AMBIGUOUS = frozenset({502, 504})
REFUSAL_BYTES = 64 * 1024
"""How much is read of a refusal's body: the reason for it, but no page of HTML of any length."""


class _Session(requests.Session):
    """A session that ignores redirects and the proxies and passwords in the environment.

    For a redirect, requests would read the whole body and parse the Location, even with `allow_redirects=False`.
    """

    trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class Refusal(Dead):
    """A 4xx response with the beginning of its body, which may quote what was sent: see `platform.error_bodies`."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"HTTP {status}", status=status)
        self.body = body

    def because(self, why: str) -> Dead:
        """Return the error with a part of the body that may be passed on."""
        return Dead(f"{self.reason}: {why}" if why else self.reason, status=self.status)


@dataclass(frozen=True)
class Response:
    """A 2xx response, or one with an accepted status. `body` is empty unless the caller asked for it."""

    status: int
    body: bytes = b""


def post(url: str, body: bytes, headers: Mapping[str, str], *, now: Callable[[], datetime] = config.utcnow) -> int:
    """POST a body once; return the status of a 2xx response, whose body is not read. See `request` for the errors."""
    return request("POST", url, body=body, headers=headers, now=now).status


def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str],
    read: int = 0,
    accept: Container[int] = (),
    now: Callable[[], datetime] = config.utcnow,
) -> Response:
    """Send a request once; return a 2xx response with its body, of at most `read` bytes after decompression.

    Responses with a status in `accept` are returned too, instead of raising an error. Their status is what matters, so
    their bodies may be incomplete: cut at `read` bytes, or where reading failed.

    Raises Retry for 408, 429, 5xx, failures below HTTP, and a body that is longer than `read`, slow or cut off.
    Raises Refusal for every other 4xx, and Dead for every other response, redirects included. Redirects are never
    followed: they would send signed personal data to a place that nobody configured. Connections are not reused: one
    that the other side closes in the meantime would fail after the request was sent.

    `answer_lost` is set unless it is certain that the request was not received, or that the destination itself refused
    it: 502 and 504 come from a gateway that may have forwarded the request.
    """
    require_https(url)
    headers = {"Accept-Encoding": "identity", **headers}  # what is read limits the memory used, so no compression
    content = bytearray()
    data = BytesIO(body) if body and len(body) > LARGE else body
    with _Session() as session:
        try:
            prepared = session.prepare_request(requests.Request(method, url, data=data, headers=dict(headers)))
        except ValueError as error:  # an invalid URL or header
            raise Retry(f"not sent: {type(error).__name__}") from error
        try:
            with session.send(prepared, timeout=TIMEOUT_S, allow_redirects=False, stream=True) as response:
                status = response.status_code
                after = retry_after(response.headers.get("Retry-After"), now())
                if read and 200 <= status < 300:
                    _read_into(content, response, read, now)
                elif (status in accept and read) or _is_refusal(status):
                    most = read if status in accept else REFUSAL_BYTES
                    with suppress(Retry, requests.RequestException, HTTPError, ValueError):
                        _read_into(content, response, most, now)
        except (requests.RequestException, HTTPError, ValueError) as error:
            if _was_not_sent(error):
                raise Retry("no connection") from error
            raise Retry(f"no answer: {type(error).__name__}", answer_lost=True) from error
    if 200 <= status < 300 or status in accept:
        return Response(status, bytes(content[:read]))
    if status in RETRYABLE or status >= 500 or status < 200:
        raise Retry(f"HTTP {status}", after=after, status=status, answer_lost=status in AMBIGUOUS or status < 200)
    if _is_refusal(status):
        raise Refusal(status, bytes(content[:REFUSAL_BYTES]))
    raise Dead(f"HTTP {status}", status=status)


def _is_refusal(status: int) -> bool:
    return 400 <= status < 500 and status not in RETRYABLE


def _read_into(content: bytearray, response: requests.Response, most: int, now: Callable[[], datetime]) -> None:
    """Add a response's body to `content`, piece by piece.

    `iter_content` of requests is not used: it waits for a full piece, whatever the deadline.
    """
    deadline = now() + timedelta(seconds=READ_S)
    while piece := response.raw.read1(most + 1 - len(content), decode_content=False):
        content += piece
        if len(content) > most:
            raise Retry("the response is too long", status=response.status_code, answer_lost=True)
        if now() > deadline:
            raise Retry("the response took too long", status=response.status_code, answer_lost=True)


def _was_not_sent(error: Exception) -> bool:
    """Return whether an attempt certainly failed before anything was sent; a TLS error may also happen afterwards."""
    if isinstance(error, requests.exceptions.ConnectTimeout | UnicodeEncodeError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if isinstance(reason, SSLError):
        return any(isinstance(each, ssl.SSLCertVerificationError) for each in reason.args)
    return isinstance(reason, NewConnectionError)


def require_https(url: str) -> None:
    """Raise Retry for a URL that is not https. The local cloud may use http: its partners are local simulators."""
    if urlsplit(url).scheme != "https" and not config.local_endpoint():
        raise Retry("the destination's URL is not https")


def retry_after(value: str | None, now: datetime) -> float:
    """Return a Retry-After header, in seconds or as a date, as seconds from now; 0 if it is missing or invalid."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0
    return max(0, (moment - now).total_seconds()) if moment.tzinfo else 0
