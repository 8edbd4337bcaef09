"""What may be passed on of a partner's refusal, whose form is mostly undocumented and whose text may quote the request.

For a request with personal data: only the names of known fields, never a value and never a text (`field_names`). For
one without: the partner's own text, bounded and printable, without secrets (`text`).
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from pressroom.platform import wire

MOST_NAMES = 10
LONGEST = 300
_SEPARATORS = re.compile(r"[./\[\]]+")
_TOKEN = re.compile(r"[a-z0-9_]+(?:[./\[\]]+[a-z0-9_]+)*")
_INDEX = re.compile("[0-9]{1,3}")
_MISSING = re.compile(
    r"(?<![a-z0-9_])([a-z0-9_./\[\]]{1,80})(?:['\"]?: | did not contain a required property of |' did not contain a"
    r" required property of )'([a-z0-9_]{1,80})'(?= is a required| in schema|['\"]|$)"
)
"""How two widespread validators of JSON Schema (Python's and Ruby's) name a missing field: by its parent's path."""
_TELLS_NOTHING = frozenset({"code", "status", "success"})
_UNNAMED = frozenset(
    {"message", "messages", "msg", "error", "errors", "detail", "details", "title", "result", "reason"}
)


def field_names(body: bytes, known: Collection[str], *, inner: Collection[str] = ()) -> str:
    """Return the paths of `known` fields that a refusal names, in its order: `items.0.template_config, note`.

    `inner` are names that count only inside a path. A page of HTML names none.
    """
    text = body.decode(errors="replace").lstrip()
    if not text.startswith(("{", "[")):
        return ""
    tokens = _TOKEN.findall(_MISSING.sub(r"\1.\2", text))
    paths = [each for each in dict.fromkeys(_path(token, known, inner) for token in tokens) if each]
    names = [each for each in paths if not any(other.startswith(f"{each}.") for other in paths)]
    more = [f"and {len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return ", ".join(names[:MOST_NAMES] + more)


def _path(token: str, known: Collection[str], inner: Collection[str]) -> str:
    """Return the part of a token that is a path of known fields; empty if there is none."""
    path = list[str]()
    for part in _SEPARATORS.split(token):
        if part in known or (path and (part in inner or _INDEX.fullmatch(part))):
            path.append(part)
        elif path:
            break
    return ".".join(path)


def text(body: bytes, secrets: Iterable[str] = ()) -> str:
    """Return a refusal's own text, on one line of at most LONGEST characters; empty if the refusal is not JSON."""
    try:
        answer = wire.parse(body)
    except ValueError:
        return ""
    said = "; ".join(dict.fromkeys(_said(answer)))
    for secret in filter(None, secrets):
        said = said.replace(secret, "***")
    said = " ".join("".join(each if each.isprintable() else " " for each in said).split())
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"


def _said(node: Any, name: str = "") -> Iterator[str]:
    match node:
        case dict():
            for key, value in node.items():
                yield from _said(value, "" if key in _UNNAMED else key)
        case list():
            for value in node:
                yield from _said(value, name)
        case None:
            pass
        case _ if name not in _TELLS_NOTHING and (said := str(node).strip().rstrip(".")):
            yield f"{name}: {said}" if name else said
