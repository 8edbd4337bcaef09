"""Reading a provider's message as a model: invalid optional values are left out, and unknown fields are reported."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from pressroom.inbox.inbound import Inbound
from pressroom.platform import wire
from pressroom.platform.errors import Unprocessable

MOST_FAULTS = 1000
"""The most faults in a message; a report of a million faults would not fit into a function's memory."""


def read[M: BaseModel](model: type[M], body: bytes) -> tuple[M, set[str]]:
    """Read a message; return it, and the paths of what the model does not know (`data.order.items[].colour`).

    An invalid value of an optional field is left out. Raises Unprocessable, with the path and the kind of the fault but
    never the value, if a required field is invalid, if the message would mean something else without the value
    (`Inbound.needed`), or if the model is not an Inbound.
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
            # From the last to the first: removing an element of a list moves those behind it.
            places = sorted({fault["loc"] for fault in error.errors()}, key=lambda loc: [str(x).zfill(9) for x in loc])
            paths = {_path(place) for place in places}
            needed = any(path.startswith(model.needed) for path in paths)
            if needed or not all(_remove(content, place) for place in reversed(places)):
                raise _unprocessable(model, first) from error
            dropped |= paths
        else:
            return message, dropped | set(_extras(message))


def _unprocessable(model: type[BaseModel], error: ValidationError) -> Unprocessable:
    if error.error_count() > MOST_FAULTS:
        return Unprocessable(f"not a valid {model.__name__}: {error.error_count()} errors")
    faults = (f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['type']}" for fault in error.errors())
    return Unprocessable(f"not a valid {model.__name__}: {', '.join(faults)}"[:1000])


def _remove(content: Any, place: tuple[int | str, ...]) -> bool:
    """Remove a value from a JSON document; return False if there is none at that path."""
    if not place:
        return False
    *parents, last = place
    for step in parents:
        key = _key(content, step)
        if key is None:
            return False
        content = content[key]
    key = _key(content, last)
    if key is None:
        return False
    del content[key]
    return True


def _key(node: Any, step: int | str) -> int | str | None:
    """Return what names a step in a JSON document; None if it is not there."""
    names = range(len(node)) if isinstance(node, list) else list(node) if isinstance(node, dict) else ()
    if isinstance(step, int):  # a list, or an object with the indexes as names, which is read as one (`wire.listed`)
        return names[step] if step < len(names) else None
    return step if isinstance(node, dict) and step in node else None


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
