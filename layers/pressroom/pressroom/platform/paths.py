"""Ids in the ops API's paths.

An HTTP API undoes the escapes of a path (all but %25) before it looks for the route, so that an escaped `/` is one, and
what follows a `?` is lost. These two are escaped once more than usual in an id (`W/1` is `W%252F1` in a URL), and what
looks like their escape gets another %25: `W%2F1` is `W%25252F1`. So are the dots of an id that is `.` or `..`, which
clients take for a place in the path.
"""

import re
from urllib.parse import quote

_ESCAPED = re.compile("%((?:25)*)(2E|2F|3F)", re.IGNORECASE)


def quoted(identity: str) -> str:
    """Return an id as it stands in a URL."""
    marked = _ESCAPED.sub(r"%25\1\2", identity).replace("/", "%2F").replace("?", "%3F")
    if marked in (".", ".."):
        marked = marked.replace(".", "%2E")
    return quote(marked, safe="", errors="surrogatepass")


def unquoted(part: str) -> str:
    """Return the id that a path's parameter stands for, as the gateway gives it."""
    return _ESCAPED.sub(_less, part.replace("%25", "%"))


def _less(found: re.Match[str]) -> str:
    again, code = found.groups()
    return f"%{again[2:]}{code}" if again else chr(int(code, 16))
