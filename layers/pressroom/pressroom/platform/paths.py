"""How ids are written in the ops API's paths.

An HTTP API decodes a path (all escapes but %25) before it matches the route. An escaped `/` then separates two parts,
and the rest after an escaped `?` is lost. So an id's `/` and `?` are escaped once more than usual: `W/1` is `W%252F1`
in a URL. Text that looks like such an escape gets another %25: `W%2F1` is `W%25252F1`. The dots of an id that is `.`
or `..` are escaped in the same way, since clients would resolve them as parts of the path.
"""

import re
from urllib.parse import quote

_ESCAPED = re.compile("%((?:25)*)(2E|2F|3F)", re.IGNORECASE)


def quoted(identity: str) -> str:
    """Return an id as it is written in a URL."""
    marked = _ESCAPED.sub(r"%25\1\2", identity).replace("/", "%2F").replace("?", "%3F")
    if marked in (".", ".."):
        marked = marked.replace(".", "%2E")
    return quote(marked, safe="", errors="surrogatepass")


def unquoted(part: str) -> str:
    """Return the id of a path parameter, as the gateway passes it on."""
    return _ESCAPED.sub(_unescaped, part.replace("%25", "%"))


def _unescaped(found: re.Match[str]) -> str:
    again, code = found.groups()
    return f"%{again[2:]}{code}" if again else chr(int(code, 16))
