"""Who an order is sent to, as a stored webhook says. Read on request only; never written anywhere else."""

from collections.abc import Callable, Mapping
from typing import TypedDict

from pressroom.inbox import reading
from pressroom.order.shop_order import OrderPaid
from pressroom.providers.printful.messages import OrderEvent


class Recipient(TypedDict):
    """The person that an order is sent to, and the address. What a message leaves out is null."""

    name: str | None
    company: str | None
    address1: str | None
    address2: str | None
    zip: str | None
    city: str | None
    province: str | None
    country_code: str | None
    email: str | None
    telephone: str | None


def _of_shop(body: bytes) -> Recipient | None:
    order, _ = reading.read(OrderPaid, body)
    to = order.shipping_info
    return {
        "name": " ".join(each for each in (to.first_name, to.last_name) if each) or None,
        "company": to.company_name or None,
        "address1": to.address or None,
        "address2": to.address2 or None,
        "zip": to.zip or None,
        "city": to.city or None,
        "province": to.province or None,
        "country_code": to.country_code or None,
        "email": next(iter(order.emails()), None),
        "telephone": to.telephone or None,
    }


def _of_printful(body: bytes) -> Recipient | None:
    message, _ = reading.read(OrderEvent, body)  # an event about a parcel has the order, too
    to = message.data.order.recipient
    if to is None:
        return None
    return {
        "name": to.name or None,
        "company": to.company or None,
        "address1": to.address1 or None,
        "address2": to.address2 or None,
        "zip": to.zip or None,
        "city": to.city or None,
        "province": to.state_name or to.state_code or None,
        "country_code": to.country_code or None,
        "email": to.email or None,
        "telephone": to.phone or None,
    }


READERS: Mapping[str, Callable[[bytes], Recipient | None]] = {"storefront": _of_shop, "printful": _of_printful}
"""By provider, reads the recipient in the body of a webhook about an order. Raises Unprocessable."""
