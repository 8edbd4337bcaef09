"""Printful's webhook: invoke the Lambda that manages it, and say what it answered."""

from typing import Any

import click

from cli.commands import Group
from cli.desk import Desk
from cli.errors import DONE, NOT_SO
from cli.invoke import ask

FUNCTION = "printful_webhook"
STATES = {
    "fine": "Printful sends its webhooks to Pressroom.",
    "lost": "Printful has no webhook, although Pressroom wants one.",
    "replaced": "Printful sends its webhooks to somebody else.",
    "changed": "Printful's webhook is Pressroom's, but not as it should be.",
    "not_wanted": "Pressroom wants no webhook of Printful.",
}


class Products(click.ParamType[Any]):
    """`5,12`, or `none`."""

    name = "ids"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return [] if value == "none" else [int(each) for each in value.split(",")]
        except ValueError:
            return self.fail(f"{value!r} is neither 5,12 nor none", param, ctx)


@click.group("printful-webhook", cls=Group)
def printful_webhook() -> None:
    """Show, register or remove the webhook at Printful."""


@printful_webhook.command("show")
@click.pass_obj
def show(desk: Desk, /) -> int:
    """Show what is registered."""
    return _done(desk, {"action": "show"})


@printful_webhook.command("register")
@click.option("--products", type=Products(), help="Whose stock is followed: 5,12 or none [as before].")
@click.option("--replace", metavar="URL", help="Somebody else's URL that may be overwritten.")
@click.pass_obj
def register(desk: Desk, /, products: list[int] | None, replace: str | None) -> int:
    """Have Printful send its webhooks to Pressroom."""
    return _done(desk, {"action": "register", "product_ids": products, "replace": replace})


@printful_webhook.command("remove")
@click.option("--replace", metavar="URL", help="Somebody else's URL that may be removed.")
@click.pass_obj
def remove(desk: Desk, /, replace: str | None) -> int:
    """End both the webhook and the hourly look at it."""
    return _done(desk, {"action": "remove", "replace": replace})


def _done(desk: Desk, asked: dict[str, Any]) -> int:
    given = {name: value for name, value in asked.items() if value is not None}
    answer = ask(desk.installation, FUNCTION, given)
    desk.show(answer, readable(answer))
    return DONE if answer["ok"] else NOT_SO


def readable(answer: dict[str, Any]) -> str:
    """Say what the function answered."""
    lines = [f"Not done: {answer['problem']}." if "problem" in answer else STATES.get(answer["state"], answer["state"])]
    if registered := answer.get("registered"):
        products = ", ".join(map(str, registered["product_ids"])) or "none"
        types = ", ".join(registered["types"]) or "none"
        lines += [f"  URL       {registered['url'] or 'none'}", f"  types     {types}", f"  products  {products}"]
    differences = answer.get("differences", ()) if answer.get("state") != "not_wanted" else ()
    return "\n".join([*lines, *(f"  differs   {each}" for each in differences)])
