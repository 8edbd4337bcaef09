"""CPU time of the fold (facts to order), and its growth with the number of facts.

`fold.<n>` is the CPU time for an order with n facts. `fold.growth_10_100` is the time for 100 facts divided by ten
times that for 10, `fold.growth_100_1000` likewise: 1 means linear growth. All sizes take turns; each value is the
median over the rounds.

The order has many parcels from Cloudprinter and Printful: each turn adds a parcel of three lines and the facts before
it (`_turn`). `fold.wide_growth_100_1000` is the growth for an order with many lines instead: each turn adds four lines
and new orders at both printers.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any

from benches.metric import Metric, Report
from pressroom.order.facts import Fact, pack
from pressroom.order.fold import fold
from pressroom.order.model import Status
from pressroom.platform import times

SIZES = (10, 100, 1000)
ROUNDS, FACTS_PER_BLOCK = 25, 2000
TARGET = 1.3
BEGAN = datetime(2026, 9, 1, 9, 30, tzinfo=UTC)
STAGES = (Status.ACCEPTED, Status.IN_PRODUCTION, Status.PRODUCED, Status.PACKED)
ITEMS_OF_PRINTFUL = 3


def measure(_: Path) -> Report:
    shapes = {"long": [_long(size) for size in SIZES], "wide": [_wide(size) for size in SIZES[1:]]}
    taken: dict[str, list[list[float]]] = {name: [[] for _size in shape] for name, shape in shapes.items()}
    for _round in range(ROUNDS + 1):  # the first is a warm-up
        for name, shape in shapes.items():
            for facts, seconds in zip(shape, taken[name], strict=True):
                seconds.append(_block(facts))
    metrics = []
    for size, seconds in zip(SIZES, taken["long"], strict=True):
        metrics.append(_metric(f"fold.{size}", [each * 1000 for each in seconds], unit="ms"))
    ten, hundred, thousand = taken["long"]
    metrics += [
        _growth("fold.growth_10_100", ten, hundred),
        _growth("fold.growth_100_1000", hundred, thousand),
        _growth("fold.wide_growth_100_1000", *taken["wide"]),
    ]
    packed = ", ".join(f"{len(facts)} facts {len(pack(facts)) / 1024:.1f} KB" for facts in shapes["long"])
    return Report(
        metrics,
        [f"fold: CPU time of one fold; growth: time for ten times the facts / 10. Size of the facts: {packed}."],
    )


def _block(facts: list[Fact]) -> float:
    folds = FACTS_PER_BLOCK // len(facts)
    started = time.process_time()
    for _ in range(folds):
        fold("1002", facts)
    return (time.process_time() - started) / folds


def _growth(name: str, few: list[float], many: list[float]) -> Metric:
    ratios = [after / before / 10 for before, after in zip(few, many, strict=True)]
    return _metric(name, ratios, unit="ratio", target=TARGET)


def _metric(name: str, values: list[float], *, unit: str, target: float | None = None) -> Metric:
    low, middle, high = statistics.quantiles(values[1:], n=4)
    return Metric(name=name, value=middle, unit=unit, target=target, spread=(low, high))


def _long(size: int) -> list[Fact]:
    """Return the facts of an order of four lines."""
    return list(islice(_facts(lambda turn: 0, orders_=1), size))


def _wide(size: int) -> list[Fact]:
    """Return the facts of an order to which each turn adds four lines, and a new order at both printers."""
    return list(islice(_facts(lambda turn: turn, orders_=size // 10 + 1), size))


def _facts(order_of: Callable[[int], int], *, orders_: int) -> Iterator[Fact]:
    """Yield facts without end; `order_of` maps a turn to the number of the printers' order."""
    number = count()
    yield _fact(next(number), "paid", "storefront.order_paid", _paid(orders_))
    for turn in count():
        for kind, source, data in _turn(order_of(turn), turn):
            yield _fact(next(number), kind, source, data)


def _fact(number: int, kind: str, source: str, data: dict[str, Any]) -> Fact:
    at = times.iso(BEGAN + timedelta(minutes=number))
    return Fact(id=f"{source}-{number:032x}", kind=kind, source=source, at=at, received_at=at, data=data)


def _paid(orders_: int) -> dict[str, Any]:
    lines = [
        {"id": f"{order}-{item}", "sku": f"SKU-{item}", "quantity": 10**6, "price": "12.50", "destination": printer}
        for order in range(orders_)
        for item, printer in (*((item, "printful") for item in range(ITEMS_OF_PRINTFUL)), ("book", "cloudprinter"))
    ]
    return {"ref": "20260902007", "currency": "EUR", "created_at": times.iso(BEGAN), "lines": lines, "deliveries": []}


def _turn(order: int, turn: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the ten facts of a turn, from one parcel of the three items to the next, as (kind, source, data)."""
    items = [
        {
            "item": f"{order}000{item}",
            "ref": f"{order}-{item}",
            "sku": f"SKU-{item}",
            "quantity": 10**6,
            "variant": f"401{item}",
            "product": "71",
        }
        for item in range(ITEMS_OF_PRINTFUL)
    ]
    at_printful = {"provider": "printful", "order": f"9876{order}", "status": "inprocess", "items": items}
    signal = {"provider": "cloudprinter", "order": f"2103{order}", "item": f"2103{order}1", "ref": f"{order}-book"}
    hold = {"reason": "The address is being checked", "approval": False}
    tracking = {"tracking_number": f"78{turn:06}", "tracking_url": f"https://track.example/78{turn:06}"}
    parcel = {"parcel": f"51{turn:06}", "carrier": "FEDEX", **tracking, "reshipment": False}
    lines = [{"item": item["item"], "quantity": 1} for item in items]
    yield "progress", "printful.order_created", at_printful | {"status": "pending"}
    for stage in STAGES:
        yield "progress", f"cloudprinter.item_{stage}", signal | {"stage": stage}
    yield "held", "printful.order_put_hold", at_printful | {"status": "onhold"} | hold
    yield "released", "printful.order_remove_hold", at_printful | {"reason": None}
    yield "progress", "printful.order_updated", at_printful
    shipped_at = times.iso(BEGAN + timedelta(hours=turn))
    yield "shipped", "printful.package_shipped", at_printful | parcel | {"shipped_at": shipped_at, "lines": lines}
    book = {"parcel": f"book-{turn}", "carrier": "postal", "lines": [{"item": signal["item"], "quantity": None}]}
    yield "shipped", "cloudprinter.item_shipped", signal | book | tracking
