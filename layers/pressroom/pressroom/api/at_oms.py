"""An order as the OMS has it.

Only the function `oms_order` has the OMS's token, and only that function gets these requests. It brings the code that
asks the OMS (`use`), so that the function `api`, which serves everything else, does not load an HTTP client.
"""

from collections.abc import Callable
from typing import Any, TypedDict

from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from pressroom.api.common import Id, actor, new_router
from pressroom.ops import actions
from pressroom.platform import config

router = new_router()
_ask: list[Callable[[str], Any]] = []


class OrderAtOms(TypedDict):
    """An order at the OMS. `order` is the OMS's answer, with long texts cut; it is null if there is a `problem`."""

    uid: str
    order: dict[str, Any] | None
    problem: str | None


class OrdersAtOms(TypedDict):
    """The orders that the OMS has for an order. `uid_unknown`: it has, or may have, another one without a known uid."""

    uid_unknown: bool
    orders: list[OrderAtOms]


def use(ask: Callable[[str], Any]) -> None:
    """Set the function that asks the OMS for an order, given Pressroom's id of it; its answer is None if unknown."""
    _ask[:] = [ask]


@router.get(
    "/orders/<order_id>/at-oms", tags=["orders"], operation_id="getOrderAtOms", summary="Get an order as the OMS has it"
)
def get_order_at_oms(order_id: Id) -> OrdersAtOms:
    """The OMS's own answer, which may contain personal data. The request is recorded in the list of actions."""
    by = actor()
    shown: OrdersAtOms | None = _ask[0](order_id)
    if shown is None:
        raise NotFoundError("There is no such order.")
    actions.record("show_at_oms", order_id, by=by, now=config.utcnow())
    return shown
