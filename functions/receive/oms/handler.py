"""Receives the OMS's notices of ready print files: unsigned as far as we know, so the last part of the path is secret.

The body is undocumented too: it is stored whatever it holds, and there is one topic. A notice is identified by its body
and the minute of its arrival, since two notices about different print files may have the same body.
"""

from pressroom.inbox.events import Webhook
from pressroom.inbox.receiver import Request, receiver
from pressroom.platform import config, wire


@receiver("oms", success=200)
def handler(request: Request) -> Webhook:
    """Accept every request to the secret path."""
    request.require_token("OMS_SECRET_ARN")
    try:
        content = wire.parse(request.body)
    except ValueError:
        content = request.body.hex()
    minute = config.utcnow().isoformat(timespec="minutes")
    return Webhook(topic="print_file_ready", identity=wire.canonical([minute, content]), body=request.body)
