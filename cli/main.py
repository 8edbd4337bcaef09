"""The command `pressroom`: registers all commands and maps errors to exit codes."""

import io
import sys
from collections.abc import Sequence

import click

from cli import (
    catalogue,
    deliveries,
    doctor,
    explain,
    orders,
    overview,
    printful_store,
    printful_webhook,
    products,
    replay,
    send,
    webhooks,
)
from cli.commands import Group
from cli.errors import DONE, INTERRUPTED, UNREACHABLE, Failed
from local.progress import LocalCloudError

EXITS = """\b
Exit codes:
  0    success
  1    negative result: not found, check failed, or request refused
  2    wrong usage
  3    catalogue: differences found, or the push is still running
  4    no such installation, access denied, token refused, or no response
  130  interrupted"""


@click.group(
    "pressroom",
    cls=Group,
    epilog=EXITS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
def root() -> None:
    """Operate a Pressroom installation.

    By default, a command uses the local cloud of `make up`. With --stack NAME (or PRESSROOM_STACK) it uses a stack in
    your AWS account, with the same region and credentials as the AWS CLI. If you have only the ops token, give
    --api-url URL and set PRESSROOM_TOKEN. With --json, stdout contains only JSON.
    """


for each in (
    *(overview.overview, overview.conditions, doctor.doctor),
    *(orders.orders, orders.order, orders.oms_uid, orders.recipient, orders.route),
    *(orders.link, orders.unlink, orders.erase),
    *(webhooks.webhooks, webhooks.webhook),
    *(deliveries.deliveries, deliveries.delivery, deliveries.settle),
    *(products.products, products.stock),
    *(replay.replay, send.send, explain.explain_order, catalogue.catalogue, printful_webhook.printful_webhook),
    printful_store.printful_store,
):
    root.add_command(each)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal whose encoding lacks a character must not end the command
            stream.reconfigure(errors="backslashreplace")
    try:
        code = root.main(arguments, prog_name="pressroom", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Failed as error:
        return _fail(error.report(), error.code)
    except LocalCloudError as error:
        return _fail(error.report(), UNREACHABLE)
    except (click.Abort, KeyboardInterrupt):
        return _fail("\ninterrupted", INTERRUPTED)
    return DONE if code is None else int(code)


def _fail(text: str, code: int) -> int:
    sys.stdout.flush()
    click.echo(text, err=True)
    return code
