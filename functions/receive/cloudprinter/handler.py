"""Receives Cloudprinter's signals: one URL for a whole account, authenticated only by the API key in the body.

There is no event id. A signal is identified by all of its content except the key: an account can have several keys, and
they are rotated.
"""

import re

from pressroom.inbox.events import Webhook
from pressroom.inbox.receiver import Request, printable, receiver
from pressroom.platform import wire
from pressroom.platform.errors import Refused
from pressroom.platform.signing import is_token

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


@receiver("cloudprinter", success=200)
def handler(request: Request) -> Webhook:
    """Accept every signal with one of the account's keys, whatever else it holds. The key is not stored."""
    request.check_size()
    try:
        signal = wire.parse(request.body)
    except ValueError as error:
        raise Refused("The body is not JSON in UTF-8, or is nested too deeply.") from error
    if not isinstance(signal, dict) or signal.get("apikey") in (None, ""):
        raise Refused("apikey and type are required.")
    request.authenticate("CLOUDPRINTER_SECRET_ARN", lambda keys: is_token(signal["apikey"], keys))
    if signal.get("type") in (None, ""):
        raise Refused("apikey and type are required.", reasons=("type: missing",))
    return Webhook(
        topic=_topic(signal["type"]),
        identity=wire.canonical(wire.without(signal, "apikey", "retries")),
        body=wire.write(wire.without(signal, "apikey")),
    )


def _topic(type_: object) -> str:
    """Return the topic: `item_shipped` for ItemShipped, `order_validated` for CloudprinterOrderValidated."""
    return _WORD.sub("_", printable(type_).removeprefix("Cloudprinter")).lower()
