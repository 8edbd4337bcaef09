"""Shows, registers and removes Pressroom's webhook at Printful on command, and checks it every hour."""

from typing import Any

from pressroom.providers.printful import registration_commands


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Run one command: `{"action", "product_ids", "replace"}`."""
    return registration_commands.run(event)
