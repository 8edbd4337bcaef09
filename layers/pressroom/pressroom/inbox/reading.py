"""Reading a provider's message as a model, leaving out what can be done without, and telling what was not known."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from pressroom.inbox.inbound import Inbound
from pressroom.platform import wire
from pressroom.platform.errors import Unprocessable

MOST_FAULTS = 1000
"""Faults that a message may have; pydantic's report of a million would not fit into a function."""


def read[M: BaseModel](model: type[M], body: bytes) -> tuple[M, set[str]]:
    """Read a message; return it, and the paths of what the model doesn't know (`data.order.items[].colour`).

    A faulty value that can be done without is left out. Raises Unprocessable, with where and what kind but never the
    value, if what then remains is no such message, if the message would mean something else without it
    (`Inbound.needed`), or if the model is not one of a provider's.
    """
    try:
        content = wire.parse(body)
    except ValueError as error:
        raise Unprocessable("the body is not JSON in UTF-8, or is nested too deeply") from error
    dropped: set[str] = set()
    first: ValidationError | None = None
    while True:
        try:
            message = model.model_validate(content)
        except ValidationError as error:
            first = first or error
            if not issubclass(model, Inbound) or error.error_count() > MOST_FAULTS:
                raise _unprocessable(model, first) from error
            # From the last to the first: taking an element out of a list moves those behind it.
            places = sorted({fault["loc"] for fault in error.errors()}, key=lambda loc: [str(x).zfill(9) for x in loc])
            paths = {_path(place) for place in places}
            needed = any(path.startswith(model.needed) for path in paths)
            if needed or not all(_take_out(content, place) for place in reversed(places)):
                raise _unprocessable(model, first) from error
            dropped |= paths
        else:
            return message, dropped | set(_extras(message))


def _unprocessable(model: type[BaseModel], error: ValidationError) -> Unprocessable:
    if error.error_count() > MOST_FAULTS:
        return Unprocessable(f"not a {model.__name__}: {error.error_count()} faults")
    faults = (f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['type']}" for fault in error.errors())
    return Unprocessable(f"not a {model.__name__}: {', '.join(faults)}"[:1000])


def _take_out(content: Any, place: tuple[int | str, ...]) -> bool:
    """Take a value out of a JSON document; return False if there is none at that place."""
    if not place:
        return False
    *way, last = place
    for step in way:
        if not _has(content, step):
            return False
        content = content[step]
    if not _has(content, last):
        return False
    del content[last]
    return True


def _has(node: Any, step: int | str) -> bool:
    if isinstance(node, list):
        return isinstance(step, int) and step < len(node)
    return isinstance(node, dict) and step in node


def _path(place: Iterable[int | str]) -> str:
    path = ""
    for step in place:
        path += "[]" if isinstance(step, int) else f".{step or '""'}"
    return path.removeprefix(".")


def _extras(node: Any, at: tuple[int | str, ...] = ()) -> Iterator[str]:
    if isinstance(node, BaseModel):
        yield from (_path((*at, name)) for name in node.__pydantic_extra__ or ())
        words = node.words if isinstance(node, Inbound) else {}
        yield from (_path((*at, name)) for name, known in words.items() if getattr(node, name) not in {None, *known})
        for name, info in type(node).model_fields.items():
            yield from _extras(getattr(node, name), (*at, info.alias or name))
    elif isinstance(node, list):
        for each in node:
            yield from _extras(each, (*at, 0))
