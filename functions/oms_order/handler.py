"""Answers the requests of the ops API that ask the OMS about an order. Of the API, only this function has its token."""

from typing import Any

from pressroom.api import app, at_oms
from pressroom.providers.oms import inquiry

at_oms.use(at_oms.Oms(inquiry.show, inquiry.link))
app.app()  # put together before the first request


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one API Gateway event."""
    return app.answer(event, context)
