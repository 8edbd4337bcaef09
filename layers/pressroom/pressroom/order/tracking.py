"""The tracking of a parcel as partners write it, and their words for none. Light: the receivers import it."""

from pressroom.platform.urls import web_link

_NO_TRACKING = frozenset(
    {
        *("", "no", "none", "null", "nil", "nan", "na", "undefined", "unknown", "empty", "false", "tba", "tbd"),
        *("notapplicable", "notavailable", "unavailable", "notprovided", "notset", "pending"),
        *("untracked", "nottracked", "untrackable", "nottrackable", "notracked"),
        *("notracking", "notrackingnumber", "notrackingno", "notrackingcode", "notrackingid", "notrackingurl"),
        *("notrackingavailable", "notrackingnumberavailable", "notrackinginfo", "withouttracking"),
    }
)
"""What senders write for a parcel without tracking; letters and digits only, in lower case."""


def is_none(text: str) -> bool:
    """Return whether a text stands for no tracking: it is empty, only zeros or punctuation, or a word like `N/A`."""
    word = "".join(filter(str.isalnum, text.casefold()))
    return word.strip("0") == "" or word in _NO_TRACKING


def tracking_number(text: str | None) -> str | None:
    """Return a tracking number without blanks around it; None for a word that stands for none."""
    return None if text is None or is_none(text) else text.strip()


def carrier(name: str | None) -> str | None:
    """Return the name of a carrier; None for a word that stands for none."""
    return tracking_number(name)


def tracking_url(text: str | None) -> str | None:
    """Return the link to a parcel's tracking; None if there is none, or if it is no http or https link."""
    return None if text is None else web_link(text)
