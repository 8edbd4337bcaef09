"""What the monitor stores after each run: the conditions, the counted hours, and where the next run begins."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

from pressroom.inbox import traffic
from pressroom.platform import config, table

SETTING, ROW = "SETTING", "monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition that is true. `about` is a provider, a queue, a topic, or empty; `since` is when it was found."""

    name: str
    about: str = ""
    since: str
    text: str

    @property
    def id(self) -> str:
        """The id, the same for as long as the condition lasts."""
        return f"{self.name}/{self.about}" if self.about else self.name

    def shown(self) -> dict[str, str]:
        """Return the condition as the API shows it."""
        return {"id": self.id, **asdict(self)}


class Found(NamedTuple):
    """The findings of a run: how many orders have each reason for attention, and which providers are overdue."""

    reasons: Mapping[str, int] = {}
    waiting: tuple[str, ...] = ()

    def plus(self, other: "Found") -> "Found":
        """Add the findings about other orders."""
        return Found(Counter(self.reasons) + Counter(other.reasons), self._waiting_with(other))

    def either(self, other: "Found") -> "Found":
        """Merge the findings of two runs about the same orders: a finding ends when neither run has made it."""
        return Found(Counter(self.reasons) | Counter(other.reasons), self._waiting_with(other))

    def _waiting_with(self, other: "Found") -> tuple[str, ...]:
        return tuple(sorted({*self.waiting, *other.waiting}))


NOTHING = Found()


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorState:
    """The state after a run.

    A run that has no time for all orders leaves the rest to the next one, which begins at `beyond`. `whole` is what was
    found when all orders had last been checked; `part` is what has been found since.
    """

    looked_at: str | None = None
    standing: tuple[Condition, ...] = ()
    counted: traffic.Counted
    beyond: str = ""
    whole: Found = NOTHING
    part: Found = NOTHING


def read() -> MonitorState:
    """Read the state after the latest run."""
    row = table.get(SETTING, ROW)
    if row is None:
        return MonitorState(counted={})
    content = json.loads(table.unpack(row["content"]))
    standing = tuple(Condition(**each) for each in content["standing"])
    return MonitorState(
        looked_at=row["looked_at"]["S"],
        standing=standing,
        counted=content["counted"],
        beyond=content["beyond"],
        whole=Found(*content["whole"]),
        part=Found(*content["part"]),
    )


def save(state: MonitorState) -> None:
    """Write the state for the next run and for the API."""
    content = {
        "standing": [asdict(each) for each in state.standing],
        "counted": state.counted,
        "beyond": state.beyond,
        "whole": state.whole,
        "part": state.part,
    }
    item = table.pk(SETTING, ROW) | {
        "looked_at": {"S": state.looked_at or ""},
        "content": table.pack(json.dumps(content).encode()),
    }
    config.client("dynamodb").put_item(TableName=table.name(), Item=item)
