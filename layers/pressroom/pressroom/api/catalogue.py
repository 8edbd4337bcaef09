"""Printful's products and their stock, and what is unknown in messages (drift)."""

from typing import TypedDict

from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from pressroom.api.common import LIMIT, Cursor, Id, Limit, new_router, page, rows
from pressroom.inbox import drift
from pressroom.providers.printful import products

router = new_router()


class ProductShown(TypedDict):
    """A product of the shop at Printful. A deleted product stays in the API, with `deleted`."""

    id: str
    name: str | None
    external_id: str | None
    variants: int | None
    synced: int | None
    thumbnail_url: str | None
    deleted: bool
    updated_at: str


class StockShown(TypedDict):
    """The variants of a catalogue product that can't be ordered. All its other variants can be ordered."""

    product_id: str
    out: list[int]
    discontinued: list[int]
    updated_at: str


class Drift(TypedDict):
    """The paths of the unknown fields and values in the messages of a topic. The values themselves are not stored."""

    topic: str
    paths: list[str]
    seen_at: str


class Drifts(TypedDict):
    """A page of topics with drift."""

    drift: list[Drift]
    cursor: str | None


@router.get("/products/<product_id>", tags=["catalogue"], operation_id="getProduct", summary="Get a product")
def get_product(product_id: Id) -> ProductShown:
    """A product of the shop at Printful, as Printful last reported it."""
    product = products.product(product_id)
    if product is None:
        raise NotFoundError("Printful has not reported this product.")
    return {
        "id": product.id,
        "name": product.name,
        "external_id": product.external_id,
        "variants": product.variants,
        "synced": product.synced,
        "thumbnail_url": product.thumbnail_url,
        "deleted": product.deleted,
        "updated_at": product.updated_at,
    }


@router.get("/stock/<product_id>", tags=["catalogue"], operation_id="getStock", summary="Get the stock of a product")
def get_stock(product_id: Id) -> StockShown:
    """The variants of a catalogue product that can't be ordered at Printful."""
    stock = products.stock(product_id)
    if stock is None:
        raise NotFoundError("Printful has not reported this product.")
    return {
        "product_id": stock.product_id,
        "out": list(stock.out),
        "discontinued": list(stock.discontinued),
        "updated_at": stock.updated_at,
    }


@router.get("/drift", tags=["catalogue"], operation_id="listDrift", summary="List unknown fields and values")
def list_drift(limit: Limit = LIMIT, cursor: Cursor = "") -> Drifts:
    """For each topic, the paths of the fields and values in providers' messages that Pressroom does not know."""

    def show(row: dict[str, object]) -> Drift:
        shown: Drift = drift.shown(row)  # type: ignore[assignment]
        return shown

    shown, last = page(
        "drift",
        rows(drift.KIND),
        show,
        index="by_state",
        partitions=[f"{drift.KIND}#{drift.LISTED}"],
        limit=limit,
        cursor=cursor,
    )
    return {"drift": shown, "cursor": last}
