"""The commands of `pressroom catalogue`, which the command line invokes."""

from typing import Any

from pressroom.providers.oms.catalogue import commands


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Run one command and return its answer."""
    return commands.answer(event)
