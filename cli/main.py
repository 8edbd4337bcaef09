"""`pressroom`: the commands put together, and how each of them ends."""

import io
import sys
from collections.abc import Sequence

import click

from cli import catalogue, deliveries, doctor, explain, orders, printful_webhook, replay, send, standing, webhooks
from cli.commands import Group
from cli.errors import DONE, INTERRUPTED, UNREACHED, Failed
from local.progress import LocalCloudError

EXITS = """\b
Exit codes:
  0    done
  1    what was asked for is not so, was not done, or was refused
  2    wrong usage
  3    catalogue: something differs, or a push has not ended yet
  4    no such installation, no right to ask it, a refused token, or no answer
  130  interrupted"""


@click.group(
    "pressroom",
    cls=Group,
    epilog=EXITS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
def root() -> None:
    """Look after a Pressroom.

    A command is about the local cloud of `make up`, or with --stack NAME (or PRESSROOM_STACK) about a stack of your
    AWS account, with the region and the credentials that the AWS CLI would take. Who has the ops token and no account
    gives --api-url URL and PRESSROOM_TOKEN. With --json, stdout holds JSON and nothing else.
    """


for each in (
    *(standing.overview, standing.conditions, doctor.doctor),
    *(orders.orders, orders.order, orders.route, orders.erase),
    *(webhooks.webhooks, webhooks.webhook),
    *(deliveries.deliveries, deliveries.delivery, deliveries.settle),
    *(replay.replay, send.send, explain.explain_order, catalogue.catalogue, printful_webhook.printful_webhook),
):
    root.add_command(each)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was typed, and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # where an ü can't be written, it is no reason to end
            stream.reconfigure(errors="backslashreplace")
    try:
        code = root.main(arguments, prog_name="pressroom", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Failed as error:
        return _told(error.report(), error.code)
    except LocalCloudError as error:
        return _told(error.report(), UNREACHED)
    except (click.Abort, KeyboardInterrupt):
        return _told("\ninterrupted", INTERRUPTED)
    return DONE if code is None else int(code)


def _told(text: str, code: int) -> int:
    sys.stdout.flush()
    click.echo(text, err=True)
    return code
