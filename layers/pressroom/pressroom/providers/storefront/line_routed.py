"""What a person asks for through the ops API, as it is kept until it is done."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class LineRouted(BaseModel):
    """A line that no rule wanted is to be made by `destination`."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    order_id: str
    line_id: str
    destination: Literal["camaloon", "oms", "cloudprinter", "printful"]
