"""What all commands have in common: which installation is meant, and JSON for scripts."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

import click

from cli.desk import Desk
from cli.hub import is_here
from cli.stacks import Installation

STACK, API_URL, TOKEN = "PRESSROOM_STACK", "PRESSROOM_API_URL", "PRESSROOM_TOKEN"


class Command(click.Command):
    """A command with the options that every one has. Its function is given a `Desk` first, and returns an exit code."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += [
            click.Option(["--stack"], metavar="NAME", help=f"A stack in your AWS account [{STACK}]."),
            click.Option(["--api-url"], metavar="URL", help=f"An ops API [{API_URL}]; its token is in {TOKEN}."),
            click.Option(["--json", "as_json"], is_flag=True, help="Write JSON to stdout, all else to stderr."),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        given = {name: ctx.params.pop(name) for name in ("stack", "api_url", "as_json")}
        ctx.obj = Desk(lambda: find(given["stack"], given["api_url"]), as_json=given["as_json"])
        return super().invoke(ctx)


class Group(click.Group):
    """Commands that belong together."""

    command_class = Command
    group_class = type


def find(stack: str | None, api_url: str | None) -> Installation:
    """Return the installation that was named: by an option, else by a variable, else the local cloud."""
    if "" in (stack, api_url):  # of a script whose variable is empty: it meant another one than would be taken
        raise click.UsageError("--stack and --api-url must not be empty.")
    if not stack and not api_url:
        stack, api_url = _variable(STACK), _variable(API_URL)
    if stack and api_url:
        raise click.UsageError("A stack and an API's URL are named: one of them is enough, and both could differ.")
    if stack:
        return Installation.deployed(stack)
    if api_url:
        try:
            scheme = urlsplit(api_url).scheme
        except ValueError as error:
            raise click.UsageError(f"This is no URL: {error}.") from error
        if scheme != "https" and not (scheme == "http" and is_here(api_url)):
            raise click.UsageError("The API's URL must begin with https://: the token is sent to it.")
        return Installation.of_api(api_url, _variable(TOKEN))
    return Installation.local()


def _variable(name: str) -> str:
    return os.environ.get(name, "")


def how_many(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a list: `limit` is None for all."""

    @wraps(function)
    def limited(*args: Any, limit: int, everything: bool, **asked: Any) -> Any:
        return function(*args, limit=None if everything else limit, **asked)

    every = click.option("--all", "everything", is_flag=True, help="All of them, however long that takes.")
    some = click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
    return some(every(limited))
