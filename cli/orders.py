"""Orders: the list, one order with all details, routing a line by hand, erasing personal data."""

import json
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from cli.api import path
from cli.commands import Command, Group, list_options
from cli.output import Cell, attention_table, fields, money, printable, table
from cli.session import Session
from pressroom.order.attention import FILE_FAILED
from pressroom.order.model import Status
from pressroom.order.reasons import Attention
from pressroom.partners import PRINTERS


@click.command("orders", cls=Command)
@click.option("--status", type=click.Choice([each.value for each in Status]), help="Only orders with this status.")
@click.option(
    "--provider", type=click.Choice(PRINTERS), help="Only orders with lines for this printer, or webhooks from it."
)
@click.option(
    "--attention",
    type=click.Choice(["any", *(each.value for each in Attention)]),
    is_flag=False,
    flag_value="any",
    metavar="[REASON]",
    help="Only orders that need attention, for any reason or this one.",
)
@click.option(
    "--stalled",
    type=click.IntRange(1),
    is_flag=False,
    flag_value=24,
    metavar="[HOURS]",
    help="Only open orders without any message for this many hours [24], oldest first.",
)
@click.option("--id", "order_id", help="The order with this id.")
@click.option("--ref", help="Orders with this reference.")
@click.option("--tracking", help="Orders with a parcel with this tracking number.")
@click.option("--email", help="Orders of the customer with this e-mail address.")
@list_options
@click.pass_obj
def orders(session: Session, /, order_id: str | None, **query: Any) -> None:
    """List orders, the one whose payment was received last first."""
    columns: dict[str, Cell] = {
        "order": "id",
        "ref": "ref",
        "status": "status",
        "on hold": lambda row: row["on_hold"] or None,
        "attention": "attention",
        "providers": "providers",
        "created": "created_at",
        "updated": "updated_at",
    }
    session.show_list("Orders", "/orders", "orders", columns, id=order_id, **query)


@click.command("order", cls=Command)
@click.argument("order_id", metavar="ORDER")
@click.option("--at-oms", is_flag=True, help="Show what the OMS itself has of the order. This may be personal data.")
@click.pass_obj
def order(session: Session, /, order_id: str, at_oms: bool) -> None:
    """Show an order: reasons for attention, lines, parcels, holds, deliveries and timeline."""
    if at_oms:
        answer = session.api.get(path("orders", order_id, "at-oms"))
        session.show(answer, *_as_the_oms_has_it(answer))
        return
    found = session.api.get(path("orders", order_id))
    session.show(found, *_readable(found))


@click.command("recipient", cls=Command)
@click.argument("order_id", metavar="ORDER")
@click.pass_obj
def recipient(session: Session, /, order_id: str) -> None:
    """Show the name and the address that an order is sent to. This is recorded, as the API's GET /actions shows."""
    found = session.api.post(path("orders", order_id, "recipient"))
    about = {name.replace("_", " "): text for name, text in found["recipient"].items()}
    session.show(found, fields(f"Recipient of order {order_id}", about | {"according to": found["event_id"]}))


@click.command("route", cls=Command)
@click.argument("order_id", metavar="ORDER")
@click.argument("line_id", metavar="LINE")
@click.argument("destination", type=click.Choice(PRINTERS))
@click.pass_obj
def route(session: Session, /, order_id: str, line_id: str, destination: str) -> None:
    """Choose the printer of a line that no routing rule matches."""
    response = session.api.post(path("orders", order_id, "lines", line_id, "route"), {"destination": destination})
    outcome = "was already requested" if response["status"] == "duplicate" else "is accepted"
    session.show(response, f"Routing line {line_id} of {order_id} to {destination} {outcome}: {response['event_id']}.")


@click.command("oms-uid", cls=Command)
@click.argument("order_id", metavar="ORDER")
@click.argument("uid", metavar="UID")
@click.pass_obj
def oms_uid(session: Session, /, order_id: str, uid: str) -> None:
    """Name the order at the OMS by its uid there, which no response gave."""
    response = session.api.post(path("orders", order_id, "at-oms"), {"uid": uid})
    lines = ", ".join(map(printable, response["lines"]))
    session.show(response, f"Lines of {printable(order_id)} whose uids at the OMS are known now: {lines}.")


@click.command("link", cls=Command)
@click.argument("order_id", metavar="ORDER")
@click.argument("record", metavar="RECORD")
@click.pass_obj
def link(session: Session, /, order_id: str, record: str) -> None:
    """Give ORDER what a printer reports on RECORD, another record of the same order. `unlink` undoes it."""
    response = session.api.post(path("orders", order_id, "link"), {"record": record})
    session.show(response, f"The reports on {printable(record)} count in the order {printable(order_id)} now.")


@click.command("unlink", cls=Command)
@click.argument("order_id", metavar="ORDER")
@click.argument("record", metavar="RECORD")
@click.pass_obj
def unlink(session: Session, /, order_id: str, record: str) -> None:
    """Undo a link, or say that ORDER and RECORD, which look alike, are not one order."""
    response = session.api.post(path("orders", order_id, "unlink"), {"record": record})
    session.show(response, f"{printable(record)} and {printable(order_id)} are two records.")


@click.group("erase", cls=Group)
def erase() -> None:
    """Erase the personal data of an order, or of a webhook without an order, permanently."""


@erase.command("order")
@click.argument("order_id", metavar="ORDER")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@click.pass_obj
def erase_order(session: Session, /, order_id: str, yes: bool) -> None:
    """Erase the bodies of an order's webhooks and deliveries, and the free texts of its record."""
    session.confirm(f"Erase the personal data of order {order_id}? This can't be undone.", yes=yes)
    response = session.api.post(path("orders", order_id, "erase"))
    session.show(response, f"Erased at {response['erased_at']}.")


@erase.command("webhook")
@click.argument("event_id", metavar="WEBHOOK")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
@click.pass_obj
def erase_webhook(session: Session, /, event_id: str, yes: bool) -> None:
    """Erase the body of a webhook that belongs to no order, such as a failed one."""
    session.confirm(f"Erase the body of {event_id}? The webhook can't be replayed after that.", yes=yes)
    response = session.api.post(path("events", event_id, "erase"))
    session.show(response, f"Erased at {response['erased_at']}.")


def _as_the_oms_has_it(answer: dict[str, Any]) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for each in answer["orders"]:
        text = json.dumps(each["order"], indent=2, ensure_ascii=False) if each["order"] else f"{each['problem']}."
        parts.append(Text.assemble((f"At the OMS: {printable(each['uid'])}\n", "bold"), _lines(text)))
    if answer["uid_unknown"]:
        parts.append("The OMS has, or may have, an order whose uid is unknown, because a response was lost.")
    return parts or ["The OMS has no order for it, as far as Pressroom knows."]


def _lines(text: str) -> str:
    return "\n".join(map(printable, text.splitlines()))


def _readable(order: dict[str, Any]) -> list[RenderableType]:
    about = {
        "ref": order["ref"],
        "status": order["status"],
        "on hold": order["on_hold"] or None,
        "currency": order["currency"],
        "created": order["created_at"],
        "updated": order["updated_at"],
        "erased": order.get("erased_at"),
        "linked to": order.get("linked_to"),
        "linked": ", ".join(order.get("linked", ())) or None,
        "may be the same": ", ".join(order.get("maybe_same", ())) or None,
    }
    lines: dict[str, Cell] = {
        "line": "id",
        "name": "name",
        "sku": "sku",
        "quantity": "quantity",
        "price": lambda row: money(row["price"], order["currency"]),
        "shipped": "shipped_quantity",
        "canceled": lambda row: row["canceled_quantity"] or None,
        "returned": lambda row: row["returned_quantity"] or None,
        "goes to": lambda row: row["destination"] or "nowhere",
        "unusable": lambda row: row.get("unusable"),
        "status": "status",
        "print file": lambda row: list(
            filter(None, [(row["print_file"] or {}).get(name) for name in ("status", "url")])
        ),
        "batch": lambda row: (row["batch"] or {}).get("id"),
        "error": lambda row: (row["error"] or {}).get("cause"),
    }
    parcels: dict[str, Cell] = {
        "provider": "provider",
        "carrier": "carrier",
        "service": "service",
        "tracking": "tracking_number",
        "url": "tracking_url",
        "shipped": "shipped_at",
        "ship date": "ship_date",
        "content": lambda row: [f"{each['quantity']} x {each['sku']}" for each in row["lines"]],
        "notify customer": "notify_customer",
        "": lambda row: [name for name in ("reshipment", "returned", "merged") if row.get(name)],
    }
    holds: dict[str, Cell] = {
        "provider": "provider",
        "since": "since",
        "until": "until",
        "reason": "reason",
        "to approve": lambda row: [url for file in row["approval_files"] for url in file.values() if url],
    }
    refunds: dict[str, Cell] = {
        "provider": "provider",
        "at": "at",
        "amount": lambda row: money(row["amount"], row["currency"]) or "not named",
    }
    known: dict[str, Cell] = {
        "provider": "provider",
        "order there": "id",
        "status": "status",
        "store": "store",
        "charges": lambda row: _costs(row["costs"]),
        "shown to the customer": lambda row: _costs(row["retail_costs"]),
        "gift": lambda row: _texts(row["gift"]),
        "packing slip": lambda row: _texts(row["packing_slip"]),
    }
    deliveries: dict[str, Cell] = {
        "delivery": "id",
        "to": "destination",
        "what": "operation",
        "status": "status",
        "attempts": "attempts",
        "last error": "last_error",
    }
    timeline = {"at": "at", "received": "received_at", "source": "source", "what": "text"}
    parts = [fields(f"Order {order['id']}", about)]
    if order["attention"]:
        parts.append(attention_table(order["attention"], _concerned(order)))
    parts += [table("Lines", lines, order["lines"]), table("Parcels", parcels, order["shipments"])]
    if order["provider_orders"]:
        parts.append(table("Orders at printers", known, order["provider_orders"]))
    items = [_item(item, each) for each in order["provider_orders"] for item in each["items"]]
    if items:
        parts.append(table("Items at printers", {name: name for name in items[0]}, items))
    if order["refunds"]:
        parts.append(table("Refunds", refunds, order["refunds"]))
    if order["holds"]:
        parts.append(table("Holds", holds, order["holds"]))
    parts += [table("Deliveries", deliveries, order["deliveries"]), table("Timeline", timeline, order["timeline"])]
    return [line for part in parts for line in (part, "")][:-1]


def _costs(costs: dict[str, Any] | None) -> str | None:
    """Return the amounts of costs, the total first, as one text."""
    given = {name: amount for name, amount in (costs or {}).items() if name != "currency" and amount}
    amounts = {name: money(given[name], (costs or {}).get("currency")) for name in sorted(given, key="total".__ne__)}
    return "; ".join(f"{name.replace('_', ' ')} {amount}" for name, amount in amounts.items())


def _texts(texts: dict[str, str | None] | None) -> str:
    return "; ".join(f"{name.replace('_', ' ')}: {text}" for name, text in (texts or {}).items() if text)


def _item(item: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    currency, retail = ((known[name] or {}).get("currency") for name in ("costs", "retail_costs"))
    return {
        "item": item["id"],
        "line": item["line_id"],
        "name": item["name"],
        "quantity": item["quantity"],
        "costs you": money(item["price"], currency),
        "retail price": money(item["retail_price"], retail),
        "print file": item["print_file"],
    }


def _concerned(order: dict[str, Any]) -> dict[str, list[str]]:
    """Return by reason for attention the names of the items at a printer that it is about."""
    failed = [item for each in order["provider_orders"] for item in each["items"] if item["print_file"] == FILE_FAILED]
    incomplete = [item for each in order["provider_orders"] for item in each["incomplete_items"]]
    return {
        Attention.ITEM_FILE_FAILED: [item["name"] or item["sku"] or item["id"] for item in failed],
        Attention.ITEM_INCOMPLETE: [item["name"] or item["variant"] or item["line_id"] or "" for item in incomplete],
    }
