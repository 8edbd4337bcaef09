"""Printful's products and their stock, and what is unknown in messages (drift)."""

from collections.abc import Callable
from typing import Annotated, TypedDict

from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.params import Query

from pressroom.api.common import LIMIT, Cursor, Id, Limit, new_router, page, rows
from pressroom.inbox import drift
from pressroom.platform import table
from pressroom.providers.printful import products
from pressroom.providers.printful.products import AVAILABLE, CURRENT, DELETED, PRODUCT, STOCK, UNAVAILABLE

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


class Products(TypedDict):
    """A page of products."""

    products: list[ProductShown]
    cursor: str | None


class Stocks(TypedDict):
    """A page of the stock of catalogue products."""

    stock: list[StockShown]
    cursor: str | None


class Drift(TypedDict):
    """The paths of the unknown fields and values in the messages of a topic. The values themselves are not stored."""

    topic: str
    paths: list[str]
    seen_at: str


class Drifts(TypedDict):
    """A page of topics with drift."""

    drift: list[Drift]
    cursor: str | None


@router.get("/products", tags=["catalogue"], operation_id="listProducts", summary="List products, latest change first")
def list_products(
    deleted: Annotated[bool | None, Query(description="Only products that were deleted at Printful, or not.")] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = "",
) -> Products:
    """The products of the shop at Printful, as Printful last reported them."""
    states = _chosen(deleted, DELETED, CURRENT)
    shown, last = _page(
        "products", PRODUCT, states, lambda row: _product(products.product_of(row)), limit, cursor, deleted=deleted
    )
    return {"products": shown, "cursor": last}


@router.get("/products/<product_id>", tags=["catalogue"], operation_id="getProduct", summary="Get a product")
def get_product(product_id: Id) -> ProductShown:
    """A product of the shop at Printful, as Printful last reported it."""
    product = products.product(product_id)
    if product is None:
        raise NotFoundError("Printful has not reported this product.")
    return _product(product)


@router.get("/stock", tags=["catalogue"], operation_id="listStock", summary="List stock, latest change first")
def list_stock(
    unavailable: Annotated[
        bool | None, Query(description="Only products with a variant that can't be ordered, or without one.")
    ] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = "",
) -> Stocks:
    """The catalogue products whose stock Printful has reported, with the variants that can't be ordered."""
    states = _chosen(unavailable, UNAVAILABLE, AVAILABLE)
    shown, last = _page(
        "stock", STOCK, states, lambda row: _stock(products.stock_of(row)), limit, cursor, unavailable=unavailable
    )
    return {"stock": shown, "cursor": last}


@router.get("/stock/<product_id>", tags=["catalogue"], operation_id="getStock", summary="Get the stock of a product")
def get_stock(product_id: Id) -> StockShown:
    """The variants of a catalogue product that can't be ordered at Printful."""
    stock = products.stock(product_id)
    if stock is None:
        raise NotFoundError("Printful has not reported this product.")
    return _stock(stock)


@router.get("/drift", tags=["catalogue"], operation_id="listDrift", summary="List unknown fields and values")
def list_drift(limit: Limit = LIMIT, cursor: Cursor = "") -> Drifts:
    """For each topic, the paths of the fields and values in providers' messages that Pressroom does not know."""

    def show(row: dict[str, object]) -> Drift:
        shown: Drift = drift.shown(row)  # type: ignore[assignment]
        return shown

    shown, last = _page("drift", drift.KIND, [drift.LISTED], show, limit, cursor)
    return {"drift": shown, "cursor": last}


def _page[Shown](
    name: str,
    kind: str,
    states: list[str],
    show: Callable[[table.Item], Shown],
    limit: int,
    cursor: str,
    **filters: object,
) -> tuple[list[Shown], str | None]:
    partitions = [f"{kind}#{each}" for each in states]
    return page(
        name, rows(kind), show, index="by_state", partitions=partitions, limit=limit, cursor=cursor, filters=filters
    )


def _chosen(wanted: bool | None, if_true: str, if_false: str) -> list[str]:
    """Return the lists that a filter selects; both, if there is no filter."""
    return [if_true, if_false] if wanted is None else [if_true if wanted else if_false]


def _product(product: products.Product) -> ProductShown:
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


def _stock(stock: products.Stock) -> StockShown:
    return {
        "product_id": stock.product_id,
        "out": list(stock.out),
        "discontinued": list(stock.discontinued),
        "updated_at": stock.updated_at,
    }
