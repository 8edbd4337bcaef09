"""Receiving a webhook: authenticate it, store it by one conditional write, respond. Light: no pydantic, no requests.

This module keeps invariant 1 of the design: a success response is sent only after the row is in the table, and nothing
else can fail in between.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pressroom.inbox import events, refusals
from pressroom.platform import config
from pressroom.platform.errors import Refused, TooLarge, Unauthorized
from pressroom.platform.observe import count, log_line, logger
from pressroom.platform.signing import is_token

LARGEST_BODY = 1024 * 1024
LONGEST_TOPIC = 100

type LambdaEvent = dict[str, Any]
type Handler = Callable[[LambdaEvent, object], dict[str, Any]]


@dataclass(slots=True)
class Request:
    """A received request: the exact bytes of the body, headers by lower-case name, the path's secret part.

    `genuine` is set once it is authenticated; `outdated`, if only a previous value of the secret did that.
    """

    body: bytes
    headers: Mapping[str, str]
    token: str | None = None
    genuine: bool = False
    outdated: bool = False

    @classmethod
    def of(cls, event: LambdaEvent) -> "Request":
        """Read an API Gateway event (payload format 2.0). Raises Refused for a body that can't be decoded.

        The gateway encodes a body in base64 unless its content type is JSON or text; signatures are over the bytes.
        A header that was sent twice is one value here, joined by a comma.
        """
        text = event.get("body") or ""
        if event.get("isBase64Encoded"):
            try:
                body = base64.b64decode(text, validate=True)
            except ValueError as error:
                raise Refused("The body is not valid base64.") from error
        else:
            body = text.encode("utf-8", "surrogatepass")
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        return cls(body, headers, (event.get("pathParameters") or {}).get("token"))

    def authenticate(self, secret: str, check: Callable[[tuple[str, ...]], bool]) -> None:
        """Raise Unauthorized unless `check` accepts a secret's active values; `secret` is the variable with its ARN.

        Raises TooLarge for a genuine request that is.
        """
        values = config.secret(secret)
        if not values.matches(check):
            raise Unauthorized
        self.genuine, self.outdated = True, values.is_outdated(check)
        self.check_size()

    def check_size(self) -> None:
        """Raise TooLarge for a body that is, before it is read."""
        if len(self.body) > LARGEST_BODY:
            raise TooLarge(f"The body is larger than {LARGEST_BODY} bytes.")

    def require_token(self, secret: str) -> None:
        """Raise Unauthorized unless the path ends with a token of a secret; `secret` is the variable with its ARN."""
        self.authenticate(secret, lambda tokens: is_token(self.token, tokens))

    def topic(self) -> str:
        """Return the topic header in printable form; empty if there is none."""
        return printable(self.headers.get("x-camaloon-topic", ""))


def printable(name: object) -> str:
    """Return a sender's topic name in ASCII, cut to LONGEST_TOPIC characters."""
    return str(name)[:LONGEST_TOPIC].encode("ascii", "backslashreplace").decode()[:LONGEST_TOPIC]


def receiver(provider: str, *, success: int) -> Callable[[Callable[[Request], events.Webhook]], Handler]:
    """Make a Lambda handler from a function that authenticates a request and returns its webhook.

    That function raises Refused for a request that must not be stored. Any other exception is an error inside Pressroom
    and becomes a 500, which makes the provider send again. `success` is the HTTP status of the response, for a new
    webhook and for a duplicate.
    """

    def wrap(webhook_of: Callable[[Request], events.Webhook]) -> Handler:
        def handler(event: LambdaEvent, context: object) -> dict[str, Any]:
            request = None
            try:
                request = Request.of(event)
                webhook = webhook_of(request)
                now = config.utcnow()
                event_id, new = events.record(provider, webhook, now=now, outdated=request.outdated)
            except Refused as refusal:
                logger().warning("webhook_refused", provider=provider, status=refusal.status)
                count("WebhooksRefused", provider=provider)
                refusals.record(provider, now=config.utcnow())
                if request and request.genuine:
                    count("GenuineRefused", provider=provider)
                    refusals.record_genuine(provider, refusal.reasons, now=config.utcnow())
                return _response(refusal.status, refusal.answer)
            status = "accepted" if new else "duplicate"
            log_line(f"webhook_{status}", now, provider=provider, topic=webhook.topic, event_id=event_id)
            return _response(success, {"event_id": event_id, "status": status})

        return handler

    return wrap


def _response(status: int, body: Any) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(body),
    }
