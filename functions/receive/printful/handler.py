"""Receives Printful's events (v1): one URL per store for all of them, unsigned, so the last part of the path is secret.

There is no event id, and `retries` increases with every delivery. An event is identified by its type, its store, its
time and its data.
"""

from pressroom.inbox.events import Webhook
from pressroom.inbox.receiver import Request, printable, receiver
from pressroom.platform import wire

_IDENTITY = ("type", "store", "created", "data")


@receiver("printful", success=200)
def handler(request: Request) -> Webhook:
    """Accept every request to the secret path. A body that is not an event is stored too, for a person to see."""
    request.require_token("PRINTFUL_SECRET_ARN")
    try:
        event = wire.parse(request.body)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        return Webhook(topic="(unreadable)", identity=request.body.hex(), body=request.body)
    identity = {name: event[name] for name in _IDENTITY if name in event}
    if len(identity) < len(_IDENTITY):  # not an event as documented: everything but the number of retries counts
        identity = wire.without(event, "retries")
    return Webhook(
        topic=printable(event.get("type") or "(no type)"), identity=wire.canonical(identity), body=request.body
    )
