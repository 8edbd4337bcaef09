"""The handler of a Printful topic: as every other, and it first checks that the webhook is of one of our stores."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pressroom.inbox.topic import Topic
from pressroom.providers.printful import stores
from pressroom.providers.printful.messages import Envelope


@dataclass(frozen=True, slots=True)
class PrintfulTopic[M: Envelope, D](Topic[M, D]):
    """The Lambda handler of a topic of Printful's."""

    check: Callable[[M], None] = field(default=stores.check, kw_only=True)
