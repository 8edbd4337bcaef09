"""A person's request through the ops API to route a line to a printer. It is stored as an event."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from pressroom.partners import PRINTERS


def printer(name: str) -> str:
    """Return the id of a printer. Raises ValueError for anything else."""
    if name not in PRINTERS:
        raise ValueError(f"must be one of {', '.join(PRINTERS)}")
    return name


class LineRouted(BaseModel):
    """Route a line that no rule matched to the printer `destination`."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    order_id: str
    line_id: str
    destination: Annotated[str, AfterValidator(printer)]
