"""Why messages with the right credentials were refused, in sentences for a merchant.

The words stand here once. API, console, CLI, doctor and the condition `genuine_refused` show them.
"""

from pressroom.partners import NAMES
from pressroom.platform.words import counted

_MESSAGES = {"order_paid": "paid order", "order_updated": "order update", "order_canceled": "cancellation"}
_FAULTS = {
    "missing": "is missing",
    "string too short": "is empty",
    "too short": "is empty",
    "string too long": "is too long",
    "too long": "has too many entries",
    "greater than equal": "is too small",
    "less than equal": "is too large",
    "decimal max digits": "has too many digits",
    "too large": "is too large",
    "not a JSON object": "is not a JSON object",
    "like a printer's record": "begins like the id of a printer's own record",
}
_INVALID = "is not valid"
"""Every other fault."""


def sentence(reason: str, number: int) -> str:
    """Return a reason of `inbox.refusals`, `<provider> [<topic>] <field>: <fault>`, as a sentence."""
    provider, _, rest = reason.partition(" ")
    place, _, fault = rest.rpartition(": ")
    topic, _, field = place.rpartition(" ")
    messages = counted(number, _MESSAGES.get(topic, "message"))
    what = "the body" if field == "body" else f"`{field}`"
    return (
        f"{messages} from {NAMES.get(provider, provider)} {'was' if number == 1 else 'were'} refused: "
        f"{what} {_FAULTS.get(fault, _INVALID)}."
    )
