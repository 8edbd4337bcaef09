"""A fake Lambda client for commands that invoke functions."""

import io
import json
from collections.abc import Callable
from typing import Any


class InvokedLambda:
    """Runs a function as Lambda would, or returns the given answer."""

    def __init__(self, handler: Callable[[Any, Any], Any], answer: dict[str, Any] | Exception | None = None) -> None:
        self.handler = handler
        self.answer = answer
        self.calls: list[dict[str, Any]] = []

    def invoke(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        if isinstance(self.answer, Exception):
            raise self.answer
        answer = self.handler(json.loads(call["Payload"]), None) if self.answer is None else self.answer
        failed = {"FunctionError": "Unhandled"} if self.answer else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **failed}
