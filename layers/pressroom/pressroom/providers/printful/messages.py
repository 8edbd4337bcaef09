"""Printful's webhooks (API v1): the event types in four models. Two of the models hold the whole order.

The models also have undocumented fields that are publicly known from Printful's responses and from captured events.
Printful's ids are read as text. Ids of catalogue variants stay numbers, as in the lists of variants out of stock.
"""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from pressroom.inbox.inbound import (
    Amount,
    Count,
    Flag,
    Identifier,
    IdentifierOrNone,
    Inbound,
    Instant,
    Link,
    Listed,
    NullOrListAsObject,
    OrderReference,
    QuantityOrZero,
    Reference,
    Text,
    Tracking,
)
from pressroom.platform.wire import listed
from pressroom.providers.printful.slip import Gift, PackingSlip

STATUSES = frozenset(
    {
        *("draft", "pending", "inreview", "inprocess", "onhold", "partial"),
        *("fulfilled", "failed", "canceled", "archived"),
    }
)
"""The statuses of an order. The status need not match the event: a fulfilled order may be put on hold."""


def _lists_of_variants(value: object) -> object:
    if value in ([], {}):  # PHP writes an empty associative array as an empty list
        return {"out": [], "discontinued": []}
    if not isinstance(value, dict) or not {"out", "discontinued"} & value.keys():
        raise ValueError("no lists of variants")
    # PHP writes a list with gaps as an object with the indexes as names. One with the variants as names is no list.
    lists = [each for each in value.values() if isinstance(each, dict) and each]
    if any(all(variant in (0, 1) for variant in each.values()) for each in lists):
        raise ValueError("truth values in the place of variants")
    return value


class Address(Inbound):
    """The address of an order. Its lines may contain line breaks."""

    name: Text | None = None
    company: Text | None = None
    address1: Text | None = None
    address2: Text | None = None
    city: Text | None = None
    state_code: Text | None = None
    state_name: Text | None = None
    country_code: Text | None = None
    country_name: Text | None = None
    zip: Text | None = None
    phone: Text | None = None
    email: Text | None = None
    tax_number: Text | None = None


class ProductVariant(Inbound):
    """The variant of an item in Printful's catalogue."""

    variant_id: Count | None = None
    product_id: Identifier | None = None
    image: Link = None
    name: Text | None = None


class Option(Inbound):
    """An option of an item or a file. The type of its value depends on the option."""

    id: Text | None = None
    value: Any = None


class File(Inbound):
    """A print file or a preview of an item. Files that Printful made have no URL."""

    words: ClassVar = {"status": frozenset({"ok", "waiting", "failed"})}

    id: Identifier | None = None
    type: Text | None = None
    title: Text | None = None
    hash: Text | None = None
    url: Link = None
    filename: Text | None = None
    mime_type: Text | None = None
    size: Count | None = None
    width: Count | None = None
    height: Count | None = None
    dpi: Count | None = None
    status: Text | None = None
    created: Instant | None = None
    thumbnail_url: Link = None
    preview_url: Link = None
    visible: Flag | None = None
    is_temporary: Flag | None = None
    message: Text | None = None
    stitch_count_tier: Text | None = None
    options: Listed[Option]


class Item(Inbound):
    """An ordered item; `price` and `retail_price` are per piece. An item without an id can't be tracked."""

    id: Identifier | None = None
    external_id: Reference = None
    variant_id: Count | None = None
    sync_variant_id: Identifier | None = None
    external_variant_id: Text | None = None
    warehouse_product_variant_id: Identifier | None = None
    product_template_id: Identifier | None = None
    external_product_id: Text | None = None
    quantity: QuantityOrZero | None = None
    price: Amount | None = None
    retail_price: Amount | None = None
    name: Text | None = None
    product: ProductVariant | None = None
    files: Listed[File]
    options: Listed[Option]
    sku: Text | None = None
    discontinued: Flag | None = None
    out_of_stock: Flag | None = None
    out_of_stock_eu: Flag | None = None


class IncompleteItem(Inbound):
    """An item that can't be produced yet, mostly because its product has no print file."""

    name: Text | None = None
    quantity: QuantityOrZero | None = None
    sync_variant_id: Identifier | None = None
    external_variant_id: Text | None = None
    external_line_item_id: Reference = None


class Costs(Inbound):
    """The costs of an order: for us (`costs`), or for the customer on the packing slip (`retail_costs`)."""

    currency: Text | None = None
    subtotal: Amount | None = None
    discount: Amount | None = None
    shipping: Amount | None = None
    digitization: Amount | None = None
    additional_fee: Amount | None = None
    fulfillment_fee: Amount | None = None
    retail_delivery_fee: Amount | None = None
    tax: Amount | None = None
    vat: Amount | None = None
    total: Amount | None = None


class PricingBreakdown(Inbound):
    """The profit on what the customer pays; only in completed orders."""

    customer_pays: Amount | None = None
    printful_price: Amount | None = None
    profit: Amount | None = None
    currency_symbol: Text | None = None


class DeliveryDates(Inbound):
    """When a parcel is expected to arrive."""

    from_: Annotated[Instant | None, Field(alias="from")] = None
    to: Instant | None = None


class ListedShipmentItem(Inbound):
    """An item in a parcel in the list of the order."""

    item_id: Identifier | None = None
    quantity: QuantityOrZero | None = None
    picked: Count | None = None
    printed: Count | None = None
    is_started: Flag | None = None


class ShipmentItem(ListedShipmentItem):
    """An item in an event's parcel; `item_id` need not be among the order's items. Zero pieces: it is not there."""

    item_id: Identifier
    quantity: QuantityOrZero


class ListedShipment(Inbound):
    """A parcel in the list of the order. It has its own event, so no field is required here."""

    id: Identifier | None = None
    status: Text | None = None
    carrier: Text | None = None
    service: Text | None = None
    tracking_number: Tracking = None
    tracking_url: Link = None
    created: Instant | None = None
    ship_date: Text | None = None
    shipped_at: Instant | None = None
    reshipment: Flag | None = None
    location: Text | None = None
    estimated_delivery_dates: DeliveryDates | None = None
    packing_slip_url: Link = None
    items: Listed[ListedShipmentItem]


class Shipment(ListedShipment):
    """The parcel of an event; it need not be in the list of the order. Few events leave out its id, or all of it."""

    id: IdentifierOrNone = None
    items: Listed[ShipmentItem]  # type: ignore[assignment]  # the list is never written to


class Activity(Inbound):
    """An entry in the order's history at Printful."""

    type: Text | None = None
    time: Instant | None = None
    note: Text | None = None
    message: Text | None = None


class Order(Inbound):
    """An order at Printful. `external_id` is our id; an order from Printful's dashboard has none."""

    words: ClassVar = {"status": STATUSES}

    id: Identifier
    external_id: OrderReference = None
    store: Identifier | None = None
    status: Text | None = None
    error: Any = None
    error_code: Annotated[Any, Field(alias="errorCode")] = None
    shipping: Text | None = None
    shipping_service_name: Text | None = None
    created: Instant | None = None
    updated: Instant | None = None
    estimated_fulfillment: Instant | None = None
    recipient: Address | None = None
    notes: Text | None = None
    activities: Listed[Activity]
    items: Listed[Item]
    incomplete_items: Listed[IncompleteItem]
    branding_items: Listed[Any]
    is_sample: Flag | None = None
    needs_approval: Flag | None = None
    needs_approval_eu: Flag | None = None
    not_synced: Flag | None = None
    has_discontinued_items: Flag | None = None
    can_change_hold: Flag | None = None
    eu_route_required: Flag | None = None
    eu_routed: Flag | None = None
    costs: Costs | None = None
    retail_costs: Costs | None = None
    pricing_breakdown: Listed[PricingBreakdown]
    shipments: Listed[ListedShipment]
    gift: Gift | None = None
    packing_slip: PackingSlip | None = None
    dashboard_url: Link = None


class ApprovalFile(Inbound):
    """A design that Printful proposes instead; `confirm_hash` is needed to approve it."""

    confirm_hash: Text | None = None
    submitted_design: Link = None
    recommended_design: Link = None
    approval_sheet: Link = None


class SyncProduct(Inbound):
    """A product of the shop that is connected to one of Printful's. A deleted product has only its ids and its name."""

    id: Identifier
    external_id: Text | None = None
    name: Text | None = None
    variants: Count | None = None
    synced: Count | None = None
    thumbnail_url: Link = None
    is_ignored: Flag | None = None


class VariantStock(Inbound):
    """The variants of a product that can't be ordered. Variants in neither list can be ordered.

    A list that is left out (None) says nothing.
    """

    out: Annotated[list[Count] | None, BeforeValidator(listed)] = None
    discontinued: Annotated[list[Count] | None, BeforeValidator(listed)] = None


class OrderData(Inbound):
    """An order, with the reason for a change of its state, the designs to approve, or the refunded amount.

    `amount` is in the currency of the order's costs.
    """

    order: Order
    reason: Text | None = None
    approval_files: Listed[ApprovalFile]
    amount: Amount | None = None


class PackageData(OrderData):
    """A parcel of an order."""

    shipment: Annotated[Shipment, NullOrListAsObject, Field(default_factory=Shipment)]


class ProductData(Inbound):
    """A product of the shop."""

    sync_product: SyncProduct


class StockData(Inbound):
    """A product of the catalogue. A variant in no list can be ordered, so no part of a list may be left out.

    For the same reason, what is no lists at all is refused: it does not say that everything can be ordered.
    """

    product_id: Identifier
    variant_stock: Annotated[VariantStock, BeforeValidator(_lists_of_variants)]


class Envelope(Inbound):
    """The envelope of every event. `retries` increases with each delivery; `store` may differ from the order's.

    There is no event id.
    """

    type: Text | None = None
    created: Instant | None = None
    retries: Count | None = None
    store: Identifier | None = None

    def stores(self) -> set[str]:
        """Return the stores that the message names; 0 names none."""
        return {store for store in (self.store, self.store_of_order()) if store and store.strip("0")}

    def store_of_order(self) -> str | None:
        """Return the store of the order that the message is about, if it is about one."""
        return None


class OrderEvent(Envelope):
    """The eight event types `order_…`."""

    data: OrderData

    def store_of_order(self) -> str | None:
        """Return the store of the order."""
        return self.data.order.store


class PackageEvent(Envelope):
    """`package_shipped`, for every parcel and every reshipment, and `package_returned`."""

    needed: ClassVar = ("data.shipment.items",)

    data: PackageData

    def store_of_order(self) -> str | None:
        """Return the store of the parcel's order."""
        return self.data.order.store


class ProductEvent(Envelope):
    """`product_synced`, `product_updated` and `product_deleted`."""

    data: ProductData


class StockUpdated(Envelope):
    """`stock_updated`."""

    needed: ClassVar = ("data.variant_stock",)

    data: StockData
