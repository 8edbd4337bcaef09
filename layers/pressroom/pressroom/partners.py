"""The partners: who exchanges messages with Pressroom, one row each. Every list of partners is derived from these rows.

Light: the standard library only, since the receivers import it. A partner's `id` is stored in rows and facts and stands
in the API, so it never changes, and a row is never removed: stored orders are read with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """The properties of a partner that shared code needs; all else stands in `providers/<id>`."""

    id: str
    name: str
    """The name in sentences, such as `No webhook from {name}`."""
    prints: bool = False
    credential: Literal["secret", "apikey", "token"]
    """How its webhooks are authenticated: by a signature, a key in the body, or a token in the path."""
    issues_credential: bool = False
    """The merchant copies the credential from the partner; otherwise Pressroom makes it up at the first deployment."""
    has_api_token: bool = False
    """Pressroom calls its API with a token of the merchant's, in the secret `<stack>/<id>-api`."""
    required_parameters: tuple[str, ...] = ()
    """The template's parameters without which no order can be sent to it."""
    create: str | None = None
    """The operation of a delivery that creates an order there; None if Pressroom sends it no orders."""
    change: str | None = None
    """The operation that changes an order there; None if orders can't be changed."""
    cancel: str | None = None
    """The operation that cancels an order there; None if orders can't be canceled."""
    can_be_asked: bool = False
    """After a lost answer, the deliverer looks up the order before it repeats the create request."""
    in_sequence: bool = False
    """Deliveries of one order depend on each other, so only one of them is queued at a time (`order.lane`)."""
    needs_design: bool = False
    """It prints personalised lines only."""
    needs_price: bool = False
    """It refuses a line without a price."""
    disabled_after: int | None = None
    """After so many failed webhooks in a row it disables the webhook; None if it never does, or does not say so."""
    stages: Mapping[str, str] = field(default_factory=dict)
    """By its own word for an order's status, the line status that it stands for; the other words stand for none."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """By its own word for an order's status, the kind of fact that it counts as, instead of `progress`."""


PARTNERS = (
    Partner(
        id="storefront",
        name="the shop",
        credential="secret",
        in_sequence=True,
    ),
    Partner(
        id="camaloon",
        name="Camaloon",
        prints=True,
        credential="secret",
        issues_credential=True,
        required_parameters=("CamaloonSourceDomain",),
        create="order_paid",
        needs_price=True,
        disabled_after=20,  # Camaloon API v1, "Webhook errors"
    ),
    Partner(
        id="cloudprinter",
        name="Cloudprinter",
        prints=True,
        credential="apikey",
        issues_credential=True,
    ),
    Partner(
        id="printful",
        name="Printful",
        prints=True,
        credential="token",
        has_api_token=True,
        stages={
            "pending": "accepted",
            "inreview": "accepted",
            "inprocess": "in_production",
            # Only parcels count pieces as shipped: these two words do not say which pieces have left.
            "partial": "in_production",
            "fulfilled": "in_production",
        },
        kinds={"onhold": "held", "canceled": "canceled", "failed": "failed"},
    ),
    Partner(
        id="oms",
        name="the OMS",
        prints=True,
        credential="token",
        has_api_token=True,
        required_parameters=("OmsBaseUrl", "OmsStoreId"),
        create="create_order",
        change="update_order",
        cancel="delete_order",
        can_be_asked=True,
        in_sequence=True,
        needs_design=True,
    ),
)

BY_ID = {partner.id: partner for partner in PARTNERS}
NAMES = {partner.id: partner.name for partner in PARTNERS}
SHOP = "storefront"
"""The destination of notifications."""
SENDERS = tuple(partner.id for partner in PARTNERS)
"""The partners that send webhooks. Each has a receiver `receive/<id>` at `/webhooks/<id>`."""
OPS = "ops"
"""The provider of events that a person makes through the ops API."""
SOURCES = tuple(sorted((*SENDERS, OPS)))
"""The providers that events can have."""
PRINTERS = tuple(partner.id for partner in PARTNERS if partner.prints)
ORDERED = tuple(partner.id for partner in PARTNERS if partner.prints and partner.create)
"""The printers that Pressroom sends orders to."""
FOLLOWED = tuple(partner.id for partner in PARTNERS if partner.prints and not partner.create)
"""The printers that somebody else orders from; Pressroom only follows their webhooks."""
DESTINATIONS = (*ORDERED, SHOP)
"""The partners that deliveries go to. Each has a queue, a dead-letter queue and a function `deliver/<id>`."""
DEFAULTS = tuple(partner.id for partner in PARTNERS if partner.prints and not partner.needs_design)
"""The printers that may get lines that no rule matches and that are not personalised."""
PERSONALIZED = next(partner.id for partner in PARTNERS if partner.needs_design)
"""The printer of personalised lines that no rule matches."""
CREATES = frozenset(partner.create for partner in PARTNERS if partner.create)
"""The operations of a delivery that create an order at a printer."""
CANCELS = frozenset(partner.cancel for partner in PARTNERS if partner.cancel)
"""The operations of a delivery that cancel an order at a printer."""
PROBED = frozenset(partner.create for partner in PARTNERS if partner.create and partner.can_be_asked)
"""The create operations whose order is looked up at the printer after a lost answer, before they are repeated."""
LANES = frozenset(partner.id for partner in PARTNERS if partner.in_sequence)
DISABLED_AFTER = {partner.id: partner.disabled_after for partner in PARTNERS if partner.disabled_after}
