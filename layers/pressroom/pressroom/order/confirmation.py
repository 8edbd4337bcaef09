"""The shop's changes of lines at a followed printer: they count once the printer's own order shows them. Pure.

Pressroom sends a followed printer nothing, so the merchant changes the order there too, before or after the shop
reports the change. A line is then what both say; until then it stays as it was. Printful lists its items with their
pieces. Cloudprinter reports items one by one and without pieces: it can confirm that a line is there, or that it is
not once it has reported all others, but never a changed number of pieces.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pressroom.order.facts import Fact
from pressroom.order.model import Line
from pressroom.order.state import Item, ProviderOrderKey, State
from pressroom.partners import FOLLOWED

type _Description = dict[str, Any]
"""A line as the shop describes it: `id`, `sku`, `quantity`, `price`."""


@dataclass(slots=True)
class _Items:
    """A printer's items, and the lines of the shop's that they stand for: by the line's id, else by its SKU.

    `surplus` are the items that stand for none of them. `counted`: the printer reports pieces; otherwise each line
    counts as one, and so does each item.
    """

    lines: dict[str, _Description]
    counted: bool
    named: dict[str, list[Item]] = field(default_factory=dict)
    by_sku: dict[str, list[Item]] = field(default_factory=dict)
    surplus: list[Item] = field(default_factory=list)

    def missing(self, wanted: _Description) -> int:
        """Return how many pieces of a line its own items lack; negative if they have too many."""
        return (wanted["quantity"] if self.counted else 1) - self._pieces(self.named.get(wanted["id"], ()))

    def alike(self, sku: str) -> list[_Description]:
        return [wanted for wanted in self.lines.values() if wanted["sku"] == sku]

    def shared(self, sku: str) -> int:
        """Return the pieces of a SKU that name no line."""
        return self._pieces(self.by_sku.get(sku, ()))

    def agree(self, wanted: _Description) -> bool:
        """Return whether the printer has as many pieces of a line as the shop."""
        missing, shared = [self.missing(each) for each in self.alike(wanted["sku"])], self.shared(wanted["sku"])
        if not shared:
            return self.missing(wanted) == 0
        return min(missing) >= 0 and sum(missing) == shared

    def lack(self, line: Line) -> bool:
        """Return whether no item stands for a line that the shop has removed."""
        missing = sum(max(self.missing(each), 0) for each in self.alike(line.sku))
        return self.shared(line.sku) <= missing and not any(
            line.id == item.ref or line.sku == (item.sku or item.ref) for item in self.surplus
        )

    def _pieces(self, items: Iterable[Item]) -> int:
        return sum((item.quantity or 0) if self.counted else 1 for item in items)


def is_turning_point(fact: Fact) -> bool:
    """Return whether a fact may end what the shop and a printer both say: their changes are confirmed before it."""
    return fact.kind == "updated" or (fact.kind == "canceled" and not fact.data.get("item"))


def follow_changes(state: State, fact: Fact) -> None:
    """After a fact with a description of the lines, the shop's or a printer's: confirm the changes in it.

    Items that are reported one by one only become more, so it is enough to look at them now and then: a large order
    has thousands of such facts.
    """
    is_the_shops = fact.kind in ("paid", "routed", "updated")
    if is_the_shops:
        _compare(state)
    if is_the_shops or fact.data.get("items"):
        confirm_changes(state)


def confirm_changes(state: State) -> None:
    """Change the lines of which the shop and their printer say the same now, and add new ones."""
    for printer in FOLLOWED if state.unconfirmed else ():
        _confirm(state, printer)


def removed_by_both(state: State) -> set[str]:
    """Return the lines at followed printers that the shop has removed, and that their printer does not have."""
    removed = [line for line in state.order.lines if line.id in state.removed and line.destination in FOLLOWED]
    gone = set[str]()
    for printer in {line.destination for line in removed if line.destination}:
        items = _items(state, printer)
        if _are_all(state, items, printer):
            gone |= {line.id for line in removed if line.destination == printer and items.lack(line)}
    return gone


def change(line: Line, wanted: _Description) -> None:
    """Change a line to the shop's new description. Values that the shop leaves out stay as they were."""
    if "unusable" in wanted or "variant" in wanted or wanted.get("sku", line.sku) != line.sku:
        line.unusable = wanted.get("unusable")
    for name in ("sku", "quantity", "price", "variant", "name"):
        setattr(line, name, wanted.get(name, getattr(line, name)))


def _compare(state: State) -> None:
    """Find the lines that the shop describes otherwise than the record does, and those that the record lacks."""
    known, state.unconfirmed = {line.id: line for line in state.order.lines}, {}
    for wanted in _latest(state).values():
        line = known.get(wanted["id"])
        if line is None or (
            line.destination in FOLLOWED and (line.sku, line.quantity) != (wanted["sku"], wanted["quantity"])
        ):
            state.unconfirmed[wanted["id"]] = wanted


def _latest(state: State) -> dict[str, _Description]:
    """Return the lines of the shop's latest update, by their ids; none if there is none since the payment."""
    latest = state.updates[-1] if state.updates else None
    if not state.paid or latest is None or latest.at < state.paid_at:
        return {}
    return {wanted["id"]: wanted for wanted in latest.data["lines"]}


def _confirm(state: State, printer: str) -> None:
    items, known = _items(state, printer), {line.id: line for line in state.order.lines}
    confirmed = [wanted for name, wanted in state.unconfirmed.items() if name in items.lines and items.agree(wanted)]
    for wanted in confirmed:
        line = known.get(wanted["id"])
        if line is None:
            state.order.lines.append(_new(state, wanted, items, printer))
        elif (items.counted or line.quantity == wanted["quantity"]) and _is_same_product(line, wanted, items):
            change(line, wanted)
    if confirmed:
        _compare(state)


def _is_same_product(line: Line, wanted: _Description, items: _Items) -> bool:
    """Return whether a line's items are the product that the shop names. Unless it changed, a printer may rename it."""
    return wanted["sku"] == line.sku or all(item.sku == wanted["sku"] for item in items.named.get(line.id, ()))


def _new(state: State, wanted: _Description, items: _Items, printer: str) -> Line:
    """Return a line that the shop has added. Only the first number of pieces goes without saying."""
    first = next(each for update in state.updates for each in update.data["lines"] if each["id"] == wanted["id"])
    quantity = wanted["quantity"] if items.counted else first["quantity"]
    return Line(id=wanted["id"], sku=wanted["sku"], quantity=quantity, destination=printer, price=wanted.get("price"))


def _items(state: State, printer: str) -> _Items:
    """Return a printer's items, and the lines of the shop's that may be at that printer."""
    known, orders = {line.id: line.destination for line in state.order.lines}, _orders(state, printer)
    wanted = {name: each for name, each in _latest(state).items() if known.get(name) in (printer, None)}
    items = _Items(wanted, counted=any(key in state.contents for key in orders))
    skus = {each["sku"] for each in wanted.values()}
    for (key, name), item in state.items.items():
        if key not in orders or not state.has_item(key, name):
            continue
        sku = item.sku or item.ref or ""
        if item.ref in wanted:
            items.named.setdefault(item.ref, []).append(item)
        elif sku and sku in skus:
            items.by_sku.setdefault(sku, []).append(item)
        else:
            items.surplus.append(item)
    return items


def _are_all(state: State, items: _Items, printer: str) -> bool:
    """Return whether a printer has reported all of its items: as a list, or one for each line that the shop still has.

    Without a list, an item may still be reported. Its line is then no longer canceled.
    """
    if items.counted:
        return True
    at_printer = {line.id for line in state.order.lines if line.destination == printer}
    lines = [wanted for name, wanted in items.lines.items() if name in at_printer]
    return bool(lines) and all(items.missing(wanted) < 0 or items.agree(wanted) for wanted in lines)


def _orders(state: State, printer: str) -> set[ProviderOrderKey]:
    """Return a printer's orders that count: no canceled one, and no draft or failed one beside one that goes on."""
    known = {key for key, _ in state.items if key[0] == printer}
    open_ones = {key for key in known if not state.progress_of((key, "")).canceled}
    going = {key for key in open_ones if not (state.is_draft(key) or state.progress_of((key, "")).failed)}
    return going or open_ones
