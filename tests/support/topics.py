"""The topics' functions by name, and their decisions on a message, without AWS and without a clock."""

import importlib
import json
from typing import Any

from pressroom.inbox import reading
from pressroom.inbox.events import Event, State
from pressroom.inbox.topic import Topic
from tests.support.samples import body

RECEIVED = "2026-09-20T14:10:00.000Z"


def handler(topic: str) -> Topic[Any, Any]:
    """The function of a topic such as `printful.package_shipped`."""
    provider, _, name = topic.partition(".")
    found: Topic[Any, Any] = importlib.import_module(f"functions.{provider}.{name}.handler").handler
    return found


def event(topic: str, *, id: str = "e1", received_at: str = RECEIVED) -> Event:  # noqa: A002
    provider, _, name = topic.partition(".")
    return Event(id=id, provider=provider, topic=name, received_at=received_at, state=State.RECEIVED, body=b"")


def decide(topic: str, content: object, **of_event: str) -> Any:
    """A topic's decision on a message, read as its function reads it."""
    message, _ = reading.read(handler(topic).model, content if isinstance(content, bytes) else body(content))
    return handler(topic).decide(message, event(topic, **of_event))


def unknown(topic: str, content: object) -> set[str]:
    """The paths of a message that its topic does not know."""
    return reading.read(handler(topic).model, json.dumps(content).encode())[1]
