"""URLs that partners write, as far as they can be shown to people. Light: the receivers import it."""

from urllib.parse import quote, urlsplit

LONGEST = 2048
_UNQUOTED = "%:/?#[]@!$&'()*+,;=~"


def web_link(text: str, most: int = LONGEST) -> str | None:
    """Return a link to a web page or a file on the web; None for anything else, such as a `javascript:` link.

    Characters that a URL can't hold, such as blanks, are percent-encoded. `most` is how many characters it may have.
    """
    url = quote(text.strip(), safe=_UNQUOTED, errors="replace")
    try:
        parts = urlsplit(url)
        is_link = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    return url if is_link and len(url) <= most and text.strip().isprintable() else None
