"""An order as the OMS has it, and the uid of an order there that no response gave.

Only the function `oms_order` has the OMS's token, and only that function gets these requests. It brings the code that
asks the OMS (`use`), so that the function `api`, which serves everything else, does not load an HTTP client.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple, TypedDict

from aws_lambda_powertools.event_handler.exceptions import NotFoundError, ServiceError
from pydantic import Field

from pressroom.api.common import LONGEST_ID, Body, Id, actor, new_router
from pressroom.ops import actions
from pressroom.platform import config
from pressroom.platform.errors import Refused

router = new_router()


class OrderAtOms(TypedDict):
    """An order at the OMS. `order` is the OMS's answer, with long texts cut; it is null if there is a `problem`."""

    uid: str
    order: dict[str, Any] | None
    problem: str | None


class OrdersAtOms(TypedDict):
    """The orders that the OMS has for an order. `uid_unknown`: it has, or may have, another one without a known uid."""

    uid_unknown: bool
    orders: list[OrderAtOms]


class Linked(TypedDict):
    """The uid that was recorded, and the lines whose items the OMS lists in that order."""

    uid: str
    lines: list[str]


class Link(Body):
    """The uid of an order at the OMS, as its dashboard shows it."""

    uid: Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]


class Oms(NamedTuple):
    """The functions that ask the OMS, given Pressroom's id of an order; None is returned for an unknown order."""

    show: Callable[[str], Any]
    link: Callable[[str, str], list[str] | None]


_USED: list[Oms] = []


def use(oms: Oms) -> None:
    """Set the functions that ask the OMS."""
    _USED[:] = [oms]


@router.get(
    "/orders/<order_id>/at-oms", tags=["orders"], operation_id="getOrderAtOms", summary="Get an order as the OMS has it"
)
def get_order_at_oms(order_id: Id) -> OrdersAtOms:
    """The OMS's own answer, which may contain personal data. The request is recorded in the list of actions."""
    by = actor()
    shown: OrdersAtOms | None = _USED[0].show(order_id)
    if shown is None:
        raise NotFoundError("There is no such order.")
    actions.record("show_at_oms", order_id, by=by, now=config.utcnow())
    return shown


@router.post(
    "/orders/<order_id>/at-oms", tags=["orders"], operation_id="linkOrderAtOms", summary="Name the order at the OMS"
)
def link_order_at_oms(order_id: Id, wanted: Link) -> Linked:
    """End `uid_unknown`: Pressroom reads the order with this uid from the OMS, and records the uids of its items.

    409: the OMS's order is not this order, no uid of this order is unknown, or the OMS could not be asked.
    """
    by = actor()
    try:
        lines = _USED[0].link(order_id, wanted.uid)
    except Refused as error:
        raise ServiceError(HTTPStatus.CONFLICT, f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    if lines is None:
        raise NotFoundError("There is no such order.")
    actions.record("link_at_oms", order_id, by=by, now=config.utcnow())
    return {"uid": wanted.uid, "lines": lines}
