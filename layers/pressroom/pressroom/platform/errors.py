"""The errors that Pressroom raises on purpose. Each class carries the response or the verdict that it stands for.

Every other exception is an error inside Pressroom: it is not caught, and the function's invoker tries again.
No message here may hold a payload, an address or a secret: messages are shown in logs, in the record and in the API.
"""

from collections.abc import Iterable
from enum import Enum, auto
from typing import Any, ClassVar


class PressroomError(Exception):
    """The base class: an expected error."""


class Refused(PressroomError):
    """A request that gets a 4xx response and is not stored.

    `answer` is the JSON body of the response: a dict, or for the storefront a list of `{"field", "message"}`. `reasons`
    are the fields and kinds of its faults, never values: a genuine request that is refused is counted by them.
    """

    status = 400

    def __init__(self, message: str, answer: Any = None, *, reasons: Iterable[str] = ("body: invalid",)) -> None:
        super().__init__(message)
        self.answer = answer if answer is not None else {"message": message}
        self.reasons = frozenset(reasons)


class Unauthorized(Refused):
    """The request could not be authenticated. The message never names the wrong part."""

    status = 401

    def __init__(self) -> None:
        super().__init__("The request could not be authenticated.")


class TooLarge(Refused):
    """The body is larger than Pressroom can store."""

    status = 413

    def __init__(self, message: str) -> None:
        super().__init__(message, reasons=("body: too large",))


class Unprocessable(PressroomError):
    """A genuine message that can't be read. A retry can't help: its event is parked at once."""


class Foreign(Unprocessable):
    """A genuine message that is not for us: its event is parked, and does not count as a problem of Pressroom's."""


class Conflict(PressroomError):
    """Others kept writing a row during all of our attempts to read or write it."""


class Verdict(Enum):
    """What happens to a delivery after an attempt that did not succeed."""

    RETRY = auto()
    BLOCKED = auto()
    UNFINISHED = auto()
    DEAD = auto()
    WITHDRAWN = auto()

    @property
    def uses_try(self) -> bool:
        """Whether the attempt counts towards the most tries of a delivery."""
        return self not in (Verdict.BLOCKED, Verdict.UNFINISHED)


class DeliveryError(PressroomError):
    """An attempt at a delivery that did not succeed; the `verdict` of its class says what follows.

    `status` is the HTTP status, if there was a response. `after` is the shortest pause before the next attempt, in
    seconds: that of Retry-After, for example. `answer_lost`: the destination may have acted on the request, although no
    response arrived. `certain`: it is certain that the destination has not acted on any earlier attempt.
    """

    verdict: ClassVar[Verdict]

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
    """A temporary failure: 408, 429, 5xx, the network. Tried again later."""

    verdict = Verdict.RETRY


class Blocked(DeliveryError):
    """A setting has to be changed first, such as a token or a URL. Nothing was done, and no try is used up."""

    verdict = Verdict.BLOCKED


class Unfinished(DeliveryError):
    """No failure, but one attempt can't do all of it. Continued after `after` seconds; no try is used up, no alarm."""

    verdict = Verdict.UNFINISHED


class Dead(DeliveryError):
    """A final failure: the same request would get the same response until a person changes something."""

    verdict = Verdict.DEAD


class Withdrawn(DeliveryError):
    """The delivery is not needed any more: the shop canceled it, or a later delivery contains it."""

    verdict = Verdict.WITHDRAWN


TEMPORARY = (Retry, Blocked, Unfinished)
"""The errors with a temporary verdict, for `except`."""
