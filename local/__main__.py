"""`python -m local ...`: what the Makefile's targets call."""

import argparse
import sys
from pathlib import Path

from local import cloud, event, listening, stored
from local.build import build_for_cloud
from local.progress import LocalCloudError, say
from local.settings import REGION, STATE_DIR


def main() -> int:
    arguments = _parser().parse_args()
    try:
        code: int = arguments.run(arguments)
    except LocalCloudError as error:
        sys.stdout.flush()
        sys.stderr.write(error.report() + "\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; `make down` ends what was started\n")
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="Pressroom's local cloud.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    build = commands.add_parser("build", help="sam build for the cloud, and bytecode")
    build.add_argument("--architecture", choices=["arm64", "x86_64"], default="arm64")
    build.set_defaults(run=_build)

    up = commands.add_parser("up", help="start the local cloud and deploy to it")
    up.add_argument("--port", type=int, help="the emulator's port (default: 4566 or the next free one)")
    up.add_argument("--bind", help="0.0.0.0 where containers of `sam local` have to reach it")
    up.add_argument("--allow-host", help="the name of a tunnel that may reach the webhook routes")
    up.set_defaults(run=_up)

    down = commands.add_parser("down", help="end the local cloud")
    down.set_defaults(run=_down)

    signed = commands.add_parser("event", help="print the event of a function, for sam local")
    signed.add_argument("topic", help="such as camaloon.shipment_sent")
    signed.add_argument("--body", type=Path, help="a file with the exact body (default: the topic's sample)")
    signed.add_argument("--content-type", default="application/json")
    signed.add_argument(
        "--for",
        dest="function",
        choices=["receiver", "topic"],
        default="receiver",
        help="topic: store the webhook in the local cloud, and print the event of the topic's function",
    )
    signed.set_defaults(run=_event)

    for command in (up, down, signed):
        command.add_argument(
            "--state-dir", type=lambda path: Path(path).resolve(), default=STATE_DIR, help=argparse.SUPPRESS
        )
    return parser


def _build(arguments: argparse.Namespace) -> int:
    say(f"Built {build_for_cloud(arguments.architecture).parent}; deploy it with `sam deploy --guided`.")
    return 0


def _up(arguments: argparse.Namespace) -> int:
    say("Starting the local cloud")
    given = {"port": arguments.port, "bind": arguments.bind, "allow_host": arguments.allow_host}
    stack = cloud.up(state_dir=arguments.state_dir, **given)
    emulator = cloud.emulator(state_dir=arguments.state_dir)
    say(f"Running. {arguments.state_dir / 'stack.json'} holds these, and the secrets:")
    rows = {"API": stack.api_url, "console": f"{stack.api_url}/console"}
    rows |= {"AWS endpoint": f"{stack.endpoint_url} (key test, secret test, region {REGION})"}
    rows |= {f"{name} webhook": webhook["url"] for name, webhook in stack.webhooks.items()}
    rows |= {f"{name} simulator": url for name, url in stack.simulators.items()}
    for name, url in rows.items():
        say(f"  {name:22} {url}")
    if emulator.allow_host:
        say(f"A tunnel to {stack.endpoint_url} with the name {emulator.allow_host} reaches these, and nothing else:")
        for name, url in stack.tunnel_urls(emulator.allow_host).items():
            say(f"  {f'{name} webhook':22} {url}")
        say("The secrets of the local cloud are published with its source: set the provider's own before you rely on")
        say("a webhook (docs/deploy.md).")
    for line in listening.described(emulator.listen):
        say(line)
    say("End it with `make down`.")
    return 0


def _down(arguments: argparse.Namespace) -> int:
    ended = cloud.down(state_dir=arguments.state_dir)
    say(f"Ended {ended} process{'' if ended == 1 else 'es'}." if ended else "Nothing ran.")
    return 0


def _event(arguments: argparse.Namespace) -> int:
    if arguments.function == "topic":
        made = stored.store(arguments.topic, arguments.body, cloud.Stack.read(arguments.state_dir))
    else:
        made = event.for_topic(arguments.topic, arguments.body, content_type=arguments.content_type)
    say(event.as_text(made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
