"""The OMS's notices of print files that are ready: unsigned as far as we know, so the last part of the path is secret.

Nothing is documented of the body either: it is kept whatever it holds, and there is one topic. All of it makes it this
notice, and the minute: it may have no more to say the next time that there is something to look at.
"""

from pressroom.inbox.events import Webhook
from pressroom.inbox.receiver import Request, receiver
from pressroom.platform import config, wire


@receiver("oms", success=200)
def handler(request: Request) -> Webhook:
    """Accept what comes to the secret path."""
    request.require_token("OMS_SECRET_ARN")
    try:
        content = wire.parse(request.body)
    except ValueError:
        content = request.body.hex()
    minute = config.utcnow().isoformat(timespec="minutes")
    return Webhook(topic="print_file_ready", identity=wire.canonical([minute, content]), body=request.body)
