"""Printful's webhook: invoke the function that manages it, and print the result."""

from typing import Any

import click

from cli.commands import Group
from cli.errors import DONE, NEGATIVE
from cli.invoke import ask
from cli.session import Session

FUNCTION = "printful_webhook"
STATES = {
    "fine": "Printful sends its webhooks to Pressroom.",
    "lost": "No webhook is registered at Printful, although Pressroom expects one.",
    "replaced": "Another URL has replaced Pressroom's webhook at Printful. Pressroom misses its events.",
    "changed": "Pressroom's webhook is registered at Printful, but with other settings.",
    "not_wanted": "Pressroom expects no webhook from Printful: it was never registered, or was removed.",
}


class Products(click.ParamType[Any]):
    """`5,12`, or `none`."""

    name = "ids"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return [] if value == "none" else [int(each) for each in value.split(",")]
        except ValueError:
            return self.fail(f"{value!r} must be a list of ids such as 5,12, or none", param, ctx)


@click.group("printful-webhook", cls=Group)
def printful_webhook() -> None:
    """Show, register or remove Pressroom's webhook at Printful."""


@printful_webhook.command("show")
@click.pass_obj
def show(session: Session, /) -> int:
    """Show the webhook that is registered at Printful."""
    return _manage(session, {"action": "show"})


@printful_webhook.command("register")
@click.option(
    "--products",
    type=Products(),
    help="Ids of the products whose stock Printful reports, such as 5,12; none for no product [unchanged].",
)
@click.option(
    "--replace",
    metavar="URL",
    help="The URL of another system that the registration may overwrite, exactly as `show` prints it.",
)
@click.pass_obj
def register(session: Session, /, products: list[int] | None, replace: str | None) -> int:
    """Register Pressroom's webhook at Printful, so that Printful sends its events to Pressroom."""
    return _manage(session, {"action": "register", "product_ids": products, "replace": replace})


@printful_webhook.command("remove")
@click.option(
    "--replace", metavar="URL", help="The URL of another system that may be removed, exactly as `show` prints it."
)
@click.pass_obj
def remove(session: Session, /, replace: str | None) -> int:
    """Remove Pressroom's webhook at Printful, and stop the hourly check of it."""
    return _manage(session, {"action": "remove", "replace": replace})


def _manage(session: Session, payload: dict[str, Any]) -> int:
    given = {name: value for name, value in payload.items() if value is not None}
    response = ask(session.installation, FUNCTION, given)
    session.show(response, readable(response))
    return DONE if response["ok"] else NEGATIVE


def readable(response: dict[str, Any]) -> str:
    """Return the function's response as text."""
    failed = "problem" in response
    lines = [f"Not done: {response['problem']}." if failed else STATES.get(response["state"], response["state"])]
    if registered := response.get("registered"):
        products = ", ".join(map(str, registered["product_ids"])) or "none"
        types = ", ".join(registered["types"]) or "none"
        lines += [f"  URL       {registered['url'] or 'none'}", f"  types     {types}", f"  products  {products}"]
    differences = response.get("differences", ()) if response.get("state") != "not_wanted" else ()
    return "\n".join([*lines, *(f"  differs   {each}" for each in differences)])
