"""Printful's events (v1): one URL per store for all of them, unsigned, so the secret is the last part of the path.

There is no event id, and `retries` counts up with every delivery. What makes an event this event is its type, its
store, its time and its data.
"""

from pressroom.inbox.events import Webhook
from pressroom.inbox.receiver import Request, printable, receiver
from pressroom.platform import wire

_IDENTITY = ("type", "store", "created", "data")


@receiver("printful", success=200)
def handler(request: Request) -> Webhook:
    """Accept what comes to the secret path, whatever it holds: what is no event is kept for a person to see."""
    request.require_token("PRINTFUL_SECRET_ARN")
    try:
        event = wire.parse(request.body)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        return Webhook(topic="(unreadable)", identity=request.body.hex(), body=request.body)
    identity = {name: event[name] for name in _IDENTITY if name in event}
    if len(identity) < len(_IDENTITY):  # no event as documented: nothing but the count of retries may tell two apart
        identity = wire.without(event, "retries")
    return Webhook(
        topic=printable(event.get("type") or "(no type)"), identity=wire.canonical(identity), body=request.body
    )
