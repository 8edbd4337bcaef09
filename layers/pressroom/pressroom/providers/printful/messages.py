"""Printful's webhooks (API v1): its fourteen event types in four shapes, with the whole of an order in two of them.

Beside the documented fields stand those that its answers and captured events are publicly known to hold. Ids of
Printful's are text to us; ids of catalogue variants stay numbers, since lists of numbers tell which are out of stock.
"""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from pressroom.inbox.inbound import (
    Amount,
    Count,
    Flag,
    Identifier,
    Inbound,
    Instant,
    Listed,
    NullOrListAsObject,
    Quantity,
    Reference,
    Text,
    text,
)

STATUSES = frozenset(
    {
        *("draft", "pending", "inreview", "inprocess", "onhold", "partial"),
        *("fulfilled", "failed", "canceled", "archived"),
    }
)
"""Of an order. It needn't agree with the event that carries it: a hold may be told of a fulfilled order."""


def _tracking(value: object) -> str | None:
    # A parcel without tracking has 0 for a number.
    number = None if value is None else text(value).strip()
    return None if number in ("", "0") else number


class Address(Inbound):
    """Where an order goes. A line may hold line breaks."""

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
    """What an item is in Printful's catalogue."""

    variant_id: Count | None = None
    product_id: Identifier | None = None
    image: Text | None = None
    name: Text | None = None


class Option(Inbound):
    """A choice that was made for an item or a file; what its value is depends on the option."""

    id: Text | None = None
    value: Any = None


class File(Inbound):
    """A print file or a preview of an item. Those that Printful made itself have no URL."""

    words: ClassVar = {"status": frozenset({"ok", "waiting", "failed"})}

    id: Identifier | None = None
    type: Text | None = None
    title: Text | None = None
    hash: Text | None = None
    url: Text | None = None
    filename: Text | None = None
    mime_type: Text | None = None
    size: Count | None = None
    width: Count | None = None
    height: Count | None = None
    dpi: Count | None = None
    status: Text | None = None
    created: Instant | None = None
    thumbnail_url: Text | None = None
    preview_url: Text | None = None
    visible: Flag | None = None
    is_temporary: Flag | None = None
    message: Text | None = None
    stitch_count_tier: Text | None = None
    options: Listed[Option]


class Item(Inbound):
    """An ordered item; `price` and `retail_price` are those of one piece. One without an id can't be followed."""

    id: Identifier | None = None
    external_id: Reference = None
    variant_id: Count | None = None
    sync_variant_id: Identifier | None = None
    external_variant_id: Text | None = None
    warehouse_product_variant_id: Identifier | None = None
    product_template_id: Identifier | None = None
    external_product_id: Text | None = None
    quantity: Count | None = None
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
    """An item that can't be produced yet, most often since its product lacks a print file."""

    name: Text | None = None
    quantity: Count | None = None
    sync_variant_id: Identifier | None = None
    external_variant_id: Text | None = None
    external_line_item_id: Reference = None


class Costs(Inbound):
    """What an order costs: us (`costs`), or the customer by its packing slip (`retail_costs`)."""

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
    """What remains of what the customer pays; told of completed orders."""

    customer_pays: Amount | None = None
    printful_price: Amount | None = None
    profit: Amount | None = None
    currency_symbol: Text | None = None


class DeliveryDates(Inbound):
    """When a parcel is expected to arrive."""

    from_: Annotated[Instant | None, Field(alias="from")] = None
    to: Instant | None = None


class ListedShipmentItem(Inbound):
    """A part of a parcel that the order lists."""

    item_id: Identifier | None = None
    quantity: Count | None = None
    picked: Count | None = None
    printed: Count | None = None
    is_started: Flag | None = None


class ShipmentItem(ListedShipmentItem):
    """A part of a parcel; `item_id` may be unknown to the order's items."""

    item_id: Identifier
    quantity: Quantity


class ListedShipment(Inbound):
    """A parcel that the order lists: told by an event of its own, so that nothing of it is required."""

    id: Identifier | None = None
    status: Text | None = None
    carrier: Text | None = None
    service: Text | None = None
    tracking_number: Annotated[str | None, BeforeValidator(_tracking)] = None
    tracking_url: Text | None = None
    created: Instant | None = None
    ship_date: Text | None = None
    shipped_at: Instant | None = None
    reshipment: Flag | None = None
    location: Text | None = None
    estimated_delivery_dates: DeliveryDates | None = None
    packing_slip_url: Text | None = None
    items: Listed[ListedShipmentItem]


class Shipment(ListedShipment):
    """The parcel that an event is about; it needn't be among those that the order lists."""

    id: Identifier
    items: Listed[ShipmentItem]  # type: ignore[assignment]  # a list that nobody writes to


class Gift(Inbound):
    """What is printed on the packing slip for whom it is a gift."""

    subject: Text | None = None
    message: Text | None = None


class PackingSlip(Inbound):
    """The sender's own packing slip."""

    email: Text | None = None
    phone: Text | None = None
    message: Text | None = None
    logo_url: Text | None = None
    store_name: Text | None = None
    custom_order_id: Text | None = None


class Activity(Inbound):
    """An entry in the order's history at Printful."""

    type: Text | None = None
    time: Instant | None = None
    note: Text | None = None
    message: Text | None = None


class Order(Inbound):
    """An order as it is at Printful. `external_id` is ours; an order made in Printful's dashboard has none."""

    words: ClassVar = {"status": STATUSES}

    id: Identifier
    external_id: Reference = None
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
    dashboard_url: Text | None = None


class ApprovalFile(Inbound):
    """A design that Printful would rather print; `confirm_hash` is what agreeing to it takes."""

    confirm_hash: Text | None = None
    submitted_design: Text | None = None
    recommended_design: Text | None = None
    approval_sheet: Text | None = None


class SyncProduct(Inbound):
    """A product of the shop, tied to Printful's. Of a deleted one only its ids and its name are told."""

    id: Identifier
    external_id: Text | None = None
    name: Text | None = None
    variants: Count | None = None
    synced: Count | None = None
    thumbnail_url: Text | None = None
    is_ignored: Flag | None = None


class VariantStock(Inbound):
    """The variants of a product that can't be ordered; those that stand in neither list can."""

    out: Listed[Count]
    discontinued: Listed[Count]


class OrderData(Inbound):
    """An order, and what an event says of it: why its state changed, what is to be approved, what was given back.

    `amount` is in the currency of the order's costs.
    """

    order: Order
    reason: Text | None = None
    approval_files: Listed[ApprovalFile]
    amount: Amount | None = None


class PackageData(OrderData):
    """A parcel of an order."""

    shipment: Shipment


class ProductData(Inbound):
    """A product of the shop."""

    sync_product: SyncProduct


class StockData(Inbound):
    """A product of the catalogue. What stands in no list can be ordered, so nothing of this may be left out."""

    product_id: Identifier
    variant_stock: Annotated[VariantStock, NullOrListAsObject]


class Envelope(Inbound):
    """What every event has around its `data`. `retries` grows with each delivery; `store` may differ from the order's.

    There is no event id.
    """

    type: Text | None = None
    created: Instant | None = None
    retries: Count | None = None
    store: Identifier | None = None


class OrderTold(Envelope):
    """The eight types `order_…`."""

    data: OrderData


class PackageTold(Envelope):
    """`package_shipped`, for every parcel, and again for what is sent again; and `package_returned`."""

    needed: ClassVar = ("data.shipment.items",)

    data: PackageData


class ProductTold(Envelope):
    """`product_synced`, `product_updated` and `product_deleted`."""

    data: ProductData


class StockUpdated(Envelope):
    """`stock_updated`."""

    needed: ClassVar = ("data.variant_stock",)

    data: StockData
