"""Parcels and pieces: which line each printer's item is, what each parcel holds, and how many pieces have left. Pure.

**Lines and items.** A printer's item is the line whose id it carries as reference; else every line of its SKU (or
whose SKU is the reference). Only lines that are routed to that printer, or to nobody, count. Where several lines have
its SKU, an item of a printer that reports no quantities is one of them (`_assign_ambiguous_items`).

**Pieces.** `shipped_quantity` never exceeds the ordered quantity. Pieces of a parcel beyond that stay in the parcel and
raise `over_shipped`, unless they replace pieces that came back before. Pieces that the order does not have raise
`unknown_sku`; a parcel that holds nothing else moves no status. A printer that reports no quantities ships whole lines.
Two parcels with the same item are then a parcel and its reshipment, or one parcel (`merge_parcels`).
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from pressroom.order.facts import Fact
from pressroom.order.model import RANK, Line, Status
from pressroom.order.reasons import Attention
from pressroom.order.state import (
    Item,
    ItemKey,
    Parcel,
    Progress,
    ProviderOrderKey,
    State,
    parts_of,
    provider_order_of,
    stage_of,
)
from pressroom.order.tracking import carrier, tracking_number, tracking_url

type _Surplus = tuple[Parcel, list[Line], int]
type _Placing = tuple[Parcel, ItemKey | str, list[Line]]


def enter_parcel(state: State, fact: Fact) -> Parcel:
    """Enter a fact's report of a parcel into the ledger, and return the parcel."""
    data = fact.data
    key = (data["provider"], data["parcel"])
    parcel = state.parcels.setdefault(key, Parcel(*key, data.get("shipped_at") or fact.at, reported_at=fact.at))
    parcel.carrier = carrier(data["carrier"]) or parcel.carrier
    parcel.service = data.get("service") or parcel.service
    parcel.ship_date = data.get("ship_date") or parcel.ship_date
    # A fact of an older version may hold a word for no tracking, or an unsafe link.
    number, url = tracking_number(data["tracking_number"]), tracking_url(data["tracking_url"])
    if number and parcel.tracking_number and number != parcel.tracking_number:
        parcel.tracking_url = None  # it leads to the number that was corrected
    parcel.tracking_number, parcel.tracking_url = number or parcel.tracking_number, url or parcel.tracking_url
    parcel.reshipment = parcel.reshipment or data.get("reshipment", False)
    parcel.notify_customer = data.get("notify_customer", parcel.notify_customer)
    parts = parts_of(fact)
    for part, pieces in parts.items():
        # A later report may differ. No piece that was ever reported in the parcel is dropped.
        parcel.parts[part] = None if pieces is None else max(pieces, parcel.parts.get(part) or 0)
    parcel.reports.append((provider_order_of(fact), parts.keys(), stage_of(fact) or Status.ACCEPTED, fact.at))
    return parcel


def returned_parcel(state: State, fact: Fact) -> Parcel:
    """Return the parcel that a fact reports as returned. A report that names none means the only one of that order."""
    if fact.data.get("unnamed"):
        order = provider_order_of(fact)
        known = [each for each in state.parcels.values() if any(report[0] == order for report in each.reports)]
        if len(known) == 1:
            return known[0]
    return enter_parcel(state, fact)


def _count_reports(state: State) -> None:
    """Let each parcel show that its printer goes on with the items in it, and has the order.

    A parcel without a piece of a line shows nothing of the order: it may be another customer's. Before the payment,
    nobody knows.
    """
    for parcel in state.parcels.values():
        counts = not state.is_complete() or any(state.lines_of(parcel.provider, part)[0] for part in parcel.parts)
        for order, parts, stage, at in parcel.reports:
            if counts:
                state.progress.setdefault((order, ""), Progress()).advance(stage, at)
            for item in (part for part in parts if not isinstance(part, str)):
                state.progress.setdefault(item, Progress()).advance(Status.PAID, at)


def place_items(state: State) -> None:
    """Find the lines that each printer's item stands for. Before the payment is known, the items become the lines."""
    if not state.paid:
        made: dict[str, Line] = {}
        for (key, item_id), item in state.items.items():
            if state.has_item(key, item_id):
                item.line_id = item.ref or f"{key[0]}:{item_id}"
                sku, quantity = item.sku or item.line_id, item.quantity or 1
                made.setdefault(item.line_id, Line(id=item.line_id, sku=sku, quantity=quantity, destination=key[0]))
        state.order.lines = list(made.values())
    state.by_id = {line.id: line for line in state.order.lines}
    for line in state.order.lines:
        if line.sku:
            state.by_sku.setdefault((line.destination, line.sku), []).append(line)
    _assign_ambiguous_items(state)
    _count_reports(state)
    for part in state.items:
        for line in state.lines_of(part[0][0], part)[0]:
            state.items_by_line.setdefault(line.id, []).append(part)
    for line in state.order.lines:
        names = (state.items[part].name for part in state.items_by_line.get(line.id, ()))
        line.name = line.name or next(filter(None, names), None)
    ours = {key for parts in state.items_by_line.values() for key, _ in parts}
    for key, item_id in state.progress:
        # An order whose items stand for no line may be another customer's, so it says nothing of other lines.
        if not item_id and (key not in state.contents or key in ours):
            state.whole_orders.setdefault(key[0], []).append((key, ""))


def _assign_ambiguous_items(state: State) -> None:
    """Assign a printer's item that matches several lines to one of these lines, if the printer reports no quantities.

    Which line is right is not known. The items with the most progress get the first lines, the canceled ones the
    last lines, so that no line goes backwards when more is reported about an item.
    """
    alike: dict[tuple[ProviderOrderKey, str], list[ItemKey]] = {}
    for part, item in state.items.items():
        if part[0] not in state.contents and len(state.lines_of(part[0][0], part)[0]) > 1:
            alike.setdefault((part[0], item.ref or ""), []).append(part)
    left = {part for parcel in state.parcels.values() for part in parcel.parts}

    def rank(part: ItemKey) -> int:
        return max(state.progress_of(part).rank, RANK[Status.SHIPPED] if part in left else 0)

    for (key, _), parts in alike.items():
        lines = state.lines_of(key[0], parts[0])[0]
        last = {part for part in parts if state.progress_of(part).canceled and rank(part) < RANK[Status.SHIPPED]}
        first = sorted(set(parts) - last, key=lambda part: (-rank(part), part))
        for position, part in enumerate(first):
            state.items[part].line_id = lines[min(position, len(lines) - 1)].id
        for position, part in enumerate(sorted(last), start=1):
            state.items[part].line_id = lines[max(len(lines) - position, 0)].id


def merge_parcels(state: State) -> None:
    """Merge the parcels that turn out to be one; then mark the reshipments.

    Cloudprinter's items stand for whole lines: the same item shows that two parcels are one if one of them has no
    tracking, or only a link while the other one has a number. Camaloon's parcels have no id: the same contents show it
    if one of them has no tracking.
    """
    _merge_same_contents(state)
    _merge_same_items(state, lambda parcel: parcel.tracking_number is not None, lambda parcel: parcel.has_only_a_link())
    _merge_same_items(state, lambda parcel: parcel.has_tracking(), lambda parcel: not parcel.has_tracking())
    left: set[ItemKey | str] = set()
    for parcel in state.parcels.values():
        items = parcel.whole_lines()
        parcel.reshipment = parcel.reshipment or (bool(items) and items <= left)
        left |= items


def _merge_same_items(state: State, is_known: Callable[[Parcel], bool], is_less: Callable[[Parcel], bool]) -> None:
    """Merge parcels of which less is known into those with the same items, item by item."""
    known: dict[ItemKey | str, Parcel] = {}
    for parcel in filter(is_known, state.parcels.values()):
        for part in parcel.whole_lines():
            known.setdefault(part, parcel)
    for key, parcel in list(state.parcels.items()):
        joined = parcel.whole_lines() & known.keys() if is_less(parcel) else set()
        for part in joined:
            del parcel.parts[part]
            known[part].absorb(parcel)
        if joined and not parcel.parts:
            for one in {known[part].id: known[part] for part in joined}.values():
                one.merged.append(parcel.id)
            del state.parcels[key]


def _merge_same_contents(state: State) -> None:
    tracked: dict[tuple[str, frozenset[Any]], Parcel] = {}
    for parcel in state.parcels.values():
        if parcel.has_tracking() and parcel.names_skus():
            tracked.setdefault((parcel.provider, frozenset(parcel.parts.items())), parcel)
    for key, parcel in list(state.parcels.items()):
        same = tracked.get((parcel.provider, frozenset(parcel.parts.items())))
        if same and not parcel.has_tracking():
            same.absorb(parcel)
            same.merged.append(parcel.id)
            del state.parcels[key]


def place_pieces(state: State) -> None:
    """Assign the parcels' pieces to lines: first by the line's id, then by its SKU, then those of reshipments."""
    turns: tuple[list[_Placing], ...] = ([], [], [])
    for parcel in state.parcels.values():
        for part in parcel.parts:
            lines, named = state.lines_of(parcel.provider, part)
            turns[2 if parcel.reshipment else 0 if named else 1].append((parcel, part, lines))
    surplus = list[_Surplus]()
    for parcel, part, lines in (placing for turn in turns for placing in turn):
        left = _place_part(state, parcel, part, lines)
        if left and lines and not parcel.reshipment:
            surplus.append((parcel, lines, left))
        elif left and not lines and state.is_complete():
            state.reasons.add(Attention.UNKNOWN_SKU)
    _judge_surplus(state, surplus)


def _judge_surplus(state: State, surplus: list[_Surplus]) -> None:
    """Flag the pieces beyond the ordered ones, unless they replace pieces that came back before.

    A parcel that holds nothing else is a reshipment, although the printer does not say so.
    """
    resent = Counter[str | None]()
    for line_id, _, pieces in (place for each in state.parcels.values() if each.reshipment for place in each.places()):
        resent[line_id] += pieces
    for parcel, lines, left in surplus:
        names = {line.id for line in lines}
        earlier = [each for each in state.parcels.values() if "" < each.returned_at <= parcel.reported_at]
        _, back = kept_and_returned(each for each in earlier if each is not parcel)
        replaced = min(left, sum(back.get(name, 0) - resent[name] for name in names))
        if replaced == left:
            resent[lines[-1].id] += left
            parcel.replaced += left
        elif state.is_complete():
            state.reasons.add(Attention.OVER_SHIPPED)
    for parcel in state.parcels.values():
        parcel.reshipment = parcel.reshipment or (
            parcel.replaced > 0 and parcel.replaced == sum(pieces for _, _, pieces in parcel.places())
        )


def _place_part(state: State, parcel: Parcel, part: ItemKey | str, lines: list[Line]) -> int:
    """Assign the pieces of a part to lines; return how many more there are than were ordered."""
    pieces = parcel.parts[part]
    item = Item(sku=part) if isinstance(part, str) else state.items.get(part, Item())
    sku = item.sku or (lines[0].sku if lines else item.ref) or ("" if isinstance(part, str) else part[1])
    left = pieces or sum(line.quantity for line in lines) or 1
    placed = parcel.placed.setdefault(part, [])
    for line in lines:
        if parcel.reshipment or pieces is None:
            # It repeats pieces that have left. It counts for them only where the first parcel was never reported.
            taken = min(left, line.quantity)
            line.shipped_quantity = max(line.shipped_quantity, taken)
        else:
            taken = min(left, line.quantity - line.shipped_quantity)
            line.shipped_quantity += taken
        left -= taken
        if taken:
            placed.append((line.id, sku, taken))
    if left:
        placed.append((lines[-1].id if lines else None, sku, left))
    return left


def kept_and_returned(parcels: Iterable[Parcel]) -> tuple[dict[str | None, int], dict[str | None, int]]:
    """Return by line the pieces in parcels that the customer kept, and those that came back."""
    kept, back = dict[str | None, int](), dict[str | None, int]()
    for parcel in parcels:
        for part, places in parcel.placed.items():
            left = parcel.pieces_back(part)
            for line_id, _, pieces in places:
                returned = min(pieces, left)
                left -= returned
                back[line_id] = back.get(line_id, 0) + returned
                kept[line_id] = kept.get(line_id, 0) + pieces - returned
    return kept, back
