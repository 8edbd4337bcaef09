"""One figure of the bench."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure that is better the lower it is; `target` is the most it may be, None where there is nothing to miss.

    `spread` is the interquartile range of the samples, for a reader to judge how much a difference means.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    spread: tuple[float, float] | None = None

    @property
    def met(self) -> bool:
        return self.target is None or self.value <= self.target

    def to_json(self) -> dict[str, Any]:
        """Return what stands in bench.json."""
        return {"name": self.name, "value": round(self.value, 3), "unit": self.unit, "target": self.target}


@dataclass(frozen=True, slots=True)
class Report:
    """What a part of the bench found; `notes` say how, and are printed under the table."""

    metrics: list[Metric]
    notes: list[str] = field(default_factory=list)
