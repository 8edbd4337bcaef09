"""The ops API: what is known about orders, products and batches, what is parked or dead, and sending it again."""

from typing import Any

from pressroom.api import app

app.app()  # put together before the first request


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.answer(event, context)
