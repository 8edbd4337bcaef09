"""A figure of the benchmarks."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure; lower is better. `target` is the maximum, None without a target.

    `spread` is the interquartile range of the samples. It shows whether a difference is significant.
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
        """Return the entry in bench.json."""
        return {"name": self.name, "value": round(self.value, 3), "unit": self.unit, "target": self.target}


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a part; `notes` are printed below the table."""

    metrics: list[Metric]
    notes: list[str] = field(default_factory=list)
