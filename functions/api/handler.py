"""Answers the ops API and the console."""

from typing import Any

from pressroom.api import app

app.app()  # put together before the first request


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.answer(event, context)
