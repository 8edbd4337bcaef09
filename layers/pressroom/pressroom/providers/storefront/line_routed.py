"""What a person asks for through the ops API: a line's printer. It is kept as an event until it is done."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from pressroom.partners import PRINTERS


def printer(name: str) -> str:
    """Return the id of a printer. Raises ValueError for anything else."""
    if name not in PRINTERS:
        raise ValueError(f"must be one of {', '.join(PRINTERS)}")
    return name


class LineRouted(BaseModel):
    """A line that no rule matched is to be printed by `destination`."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    order_id: str
    line_id: str
    destination: Annotated[str, AfterValidator(printer)]
