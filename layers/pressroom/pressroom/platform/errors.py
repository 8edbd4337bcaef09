"""The errors Pressroom raises on purpose; each knows the answer it stands for.

Every other exception is a fault of ours: it is not caught, and whoever invoked the function tries again.
No message here may hold a payload, an address or a secret: messages end up in logs, in the record and in the API.
"""

from typing import Any


class PressroomError(Exception):
    """The root: `except PressroomError` means "something Pressroom foresaw"."""


class Refused(PressroomError):
    """A request that is answered with a 4xx, of which nothing is stored.

    `answer` is the JSON body: a dict, or the list of `{"field", "message"}` that the storefront gets.
    """

    status = 400

    def __init__(self, message: str, answer: Any = None) -> None:
        super().__init__(message)
        self.answer = answer if answer is not None else {"message": message}


class Unauthorized(Refused):
    """The request could not be authenticated. The message never says which part was wrong."""

    status = 401

    def __init__(self) -> None:
        super().__init__("The request could not be authenticated.")


class TooLarge(Refused):
    """The body is larger than Pressroom keeps."""

    status = 413


class Unprocessable(PressroomError):
    """A genuine message whose content can't be understood. Retrying can't help: its event is parked at once."""


class Conflict(PressroomError):
    """A row was being written by others whenever we read or wrote it, more often than we try."""


class DeliveryError(PressroomError):
    """An attempt at a delivery that did not succeed; its class says what follows.

    `status` is the HTTP status, if there was an answer. `after` is what Retry-After asked for, in seconds; it only ever
    delays. `answer_lost`: the destination may have acted on the request although no answer came back. `certain`: it is
    known that the destination has done nothing of what earlier attempts asked for.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        after: float = 0,
        answer_lost: bool = False,
        certain: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.after = after
        self.answer_lost = answer_lost
        self.certain = certain


class Retry(DeliveryError):
    """Try again later: 408, 429, 5xx, the network, or a setting that a person has still to make (see Blocked)."""


class Blocked(Retry):
    """Wait for a person who has to change a setting first: a token, an URL. Nothing was done, and no try is used up."""


class Unfinished(Blocked):
    """All went well so far, and there is more to do than one attempt can: try again after `after` seconds."""


class Dead(DeliveryError):
    """Give up at once: the same request will get the same answer until a person changes something."""


class Withdrawn(DeliveryError):
    """It need not be sent any more: the shop has canceled it, or a later delivery says all that this one would."""
