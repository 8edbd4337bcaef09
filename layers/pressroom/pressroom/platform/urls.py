"""URLs that partners write, as far as they can be shown to people. Light: the receivers import it."""

from urllib.parse import SplitResult, quote, unquote, urlsplit

LONGEST = 2048
_UNQUOTED = "%:/?#[]@!$&'()*+,;=~"
_AMBIGUOUS = frozenset("ßẞς\u200c\u200d")
"""Letters that the standard library's IDNA replaces and browsers keep, so they would lead to another host (UTS #46)."""


def web_link(text: str, most: int = LONGEST) -> str | None:
    """Return a link to a web page or a file on the web; None for anything else, such as a `javascript:` link.

    Characters that a URL can't hold, such as blanks, are percent-encoded, those of the host by IDNA. `most` is how many
    characters it may have.
    """
    written = text.strip()
    try:
        parts = urlsplit(written)
        if parts.scheme not in ("http", "https") or not parts.hostname or not written.isprintable():
            return None
        start = len(parts.scheme) + len("://")
        url = written[:start] + _netloc(parts) + written[start + len(parts.netloc) :]
    except ValueError:
        return None
    url = quote(url, safe=_UNQUOTED, errors="replace")
    return url if len(url) <= most else None


def _netloc(parts: SplitResult) -> str:
    """Return the host with what stands around it, as a URL can hold it. Raises ValueError if it can't be encoded."""
    user, at, place = parts.netloc.rpartition("@")
    if place.startswith("["):  # an IPv6 address
        return parts.netloc
    host, colon, port = place.partition(":")
    host = unquote(host, errors="strict")  # an older version percent-encoded it
    if not host.isascii():
        if _AMBIGUOUS.intersection(host):
            raise ValueError("it may mean two hosts")
        host = host.encode("idna").decode()
    if not all(each.isalnum() or each in "-._" for each in host):
        raise ValueError("no host")
    return f"{user}{at}{host}{colon}{port}"
