"""What all commands share: the options that choose the installation, and JSON output."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

import click

from cli.api import is_local
from cli.session import Session
from cli.stacks import Installation

STACK, API_URL, TOKEN = "PRESSROOM_STACK", "PRESSROOM_API_URL", "PRESSROOM_TOKEN"


class Command(click.Command):
    """A command with the common options. Its function receives a `Session` first, and returns an exit code."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += [
            click.Option(["--stack"], metavar="NAME", help=f"A stack in your AWS account [{STACK}]."),
            click.Option(["--api-url"], metavar="URL", help=f"The URL of an ops API [{API_URL}]; set {TOKEN} too."),
            click.Option(["--json", "as_json"], is_flag=True, help="Write JSON to stdout, everything else to stderr."),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        given = {name: ctx.params.pop(name) for name in ("stack", "api_url", "as_json")}
        ctx.obj = Session(lambda: find(given["stack"], given["api_url"]), as_json=given["as_json"])
        return super().invoke(ctx)


class Group(click.Group):
    """A group of commands; its subcommands are `Command`s too."""

    command_class = Command
    group_class = type


def find(stack: str | None, api_url: str | None) -> Installation:
    """Return the installation named by an option, else by a variable, else the local cloud."""
    if "" in (stack, api_url):  # a script with an unset variable must not operate on another installation
        raise click.UsageError("--stack and --api-url must not be empty.")
    if not stack and not api_url:
        stack, api_url = _variable(STACK), _variable(API_URL)
    if stack and api_url:
        raise click.UsageError("Give a stack or an API's URL, not both: they could be different installations.")
    if stack:
        return Installation.deployed(stack)
    if api_url:
        try:
            scheme = urlsplit(api_url).scheme
        except ValueError as error:
            raise click.UsageError(f"The API's URL is invalid: {error}.") from error
        if scheme != "https" and not (scheme == "http" and is_local(api_url)):
            raise click.UsageError("The API's URL must start with https://, because the token is sent to it.")
        return Installation.of_api(api_url, _variable(TOKEN))
    return Installation.local()


def _variable(name: str) -> str:
    return os.environ.get(name, "")


def list_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --limit and --all to a list command. The function receives `limit`, which is None with --all."""

    @wraps(function)
    def limited(*args: Any, limit: int, everything: bool, **query: Any) -> Any:
        return function(*args, limit=None if everything else limit, **query)

    every = click.option("--all", "everything", is_flag=True, help="List all entries. This can take long.")
    some = click.option(
        "--limit", type=click.IntRange(1), default=50, show_default=True, help="Maximum number of entries."
    )
    return some(every(limited))
