"""Replaying: one webhook or delivery, or many at a rate, watched until the end."""

from datetime import UTC, datetime
from typing import Any

import click

from cli.commands import Group
from cli.desk import Desk, fields
from cli.errors import DONE, NOT_SO, Failed
from cli.hub import path
from pressroom.partners import DESTINATIONS, SOURCES

LOOK_EVERY_S = 1
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"]


@click.group("replay", cls=Group)
def replay() -> None:
    """Process a webhook again, or send a delivery again."""


@replay.command("webhook")
@click.argument("event_id", metavar="WEBHOOK")
@click.pass_obj
def one_webhook(desk: Desk, /, event_id: str) -> int:
    """Hand a parked webhook to its topic again; 1 if it needed no replay."""
    return _one(desk, "events", event_id)


@replay.command("delivery")
@click.argument("delivery_id", metavar="DELIVERY")
@click.pass_obj
def one_delivery(desk: Desk, /, delivery_id: str) -> int:
    """Queue a dead delivery again; 1 if it needed no replay."""
    return _one(desk, "deliveries", delivery_id)


def _one(desk: Desk, what: str, identity: str) -> int:
    answer = desk.hub.post(path(what, identity, "replay"))
    replayed = answer["replayed"]
    desk.show(answer, f"{identity} {'is replayed' if replayed else 'needs no replay, and is left as it is'}.")
    return DONE if replayed else NOT_SO


def _many[Function: Any](function: Function) -> Function:
    for option in (
        click.option("--no-wait", is_flag=True, help="Start it, and don't wait for its end."),
        click.option("--yes", is_flag=True, help="Don't ask."),
        click.option(
            "--per-minute", type=click.IntRange(1, 600), default=60, show_default=True, help="How many a minute."
        ),
        click.option(
            "--limit", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="How many at most."
        ),
        click.option("--until", type=click.DateTime(TIMES), help="Received, or made, until then (UTC)."),
        click.option("--since", type=click.DateTime(TIMES), help="Received, or made, since then (UTC)."),
    ):
        function = option(function)
    return function


@replay.command("webhooks")
@click.option("--state", type=click.Choice(["failed", "unhandled"]), required=True, help="Which of them.")
@click.option("--provider", type=click.Choice(SOURCES), help="Who sent them.")
@click.option("--topic", help="What they are about, such as item_shipped.")
@_many
@click.pass_obj
def webhooks(desk: Desk, /, yes: bool, no_wait: bool, **wanted: Any) -> int:
    """Count the webhooks that match, ask, and hand them on again."""
    return _all(desk, {"what": "events", **wanted}, yes=yes, wait=not no_wait)


@replay.command("deliveries")
@click.option("--state", type=click.Choice(["dead"]), default="dead", show_default=True, help="Which of them.")
@click.option("--destination", type=click.Choice(DESTINATIONS), help="For whom they are.")
@click.option("--operation", help="What they do there, such as order_paid.")
@_many
@click.pass_obj
def deliveries(desk: Desk, /, yes: bool, no_wait: bool, **wanted: Any) -> int:
    """Count the dead deliveries that match, ask, and send them again."""
    return _all(desk, {"what": "deliveries", **wanted}, yes=yes, wait=not no_wait)


@replay.command("show")
@click.argument("job_id", metavar="JOB")
@click.pass_obj
def show(desk: Desk, /, job_id: str) -> None:
    """Show how far a replay of many is."""
    job = desk.hub.get(path("replays", job_id))
    about = {
        "status": job["status"],
        "what": _which(job),
        "by": job["by"],
        "of": job["requested_at"],
    }
    desk.show(
        job, fields(f"Replay {job_id}", about | {"replayed": str(job["replayed"]), "skipped": str(job["skipped"])})
    )


@replay.command("cancel")
@click.argument("job_id", metavar="JOB")
@click.pass_obj
def cancel(desk: Desk, /, job_id: str) -> int:
    """Stop a replay of many; 1 if it was over before. What it has replayed stays replayed."""
    job = desk.hub.post(path("replays", job_id, "cancel"))
    desk.show(job, f"The replay is {job['status']}, {job['replayed']} were replayed.")
    return DONE if job["status"] == "canceled" else NOT_SO


def _which(replayed: dict[str, Any]) -> str:
    """Say what is replayed. Webhooks are events to the API."""
    return f"{replayed['state']} {replayed['what'].replace('events', 'webhooks')}"


def _all(desk: Desk, wanted: dict[str, Any], *, yes: bool, wait: bool) -> int:
    asked = {name: _written(value) for name, value in wanted.items() if value is not None}
    counted = desk.hub.post("/replays", {**asked, "dry_run": True})
    matching = counted["matching"]
    if not matching and counted["complete"]:
        desk.show(counted, f"There are no {_which(wanted)} that match: nothing to replay.")
        return DONE
    total = min(matching, wanted["limit"])
    which = f"{total}{'' if counted['complete'] else ' or more'} of {matching}" if total < matching else f"{matching}"
    which += "" if counted["complete"] else " (and perhaps more: not all were counted)"
    desk.confirm(f"Replay {which}, {wanted['per_minute']} a minute, at {desk.installation.title}?", yes=yes)
    job = desk.hub.post("/replays", {**asked, "dry_run": False})
    if wait:
        job = _watched(desk, job, total if counted["complete"] else None)
    said = f"{job['replayed']} replayed, {job['skipped']} needed none."
    if job["status"] == "running":
        typed = desk.installation.typed
        said += f" It goes on: {typed(f'replay show {job["id"]}')}; {typed(f'replay cancel {job["id"]}')} ends it."
    desk.show(job, f"The replay is {job['status']}: {said}")
    return NOT_SO if job["status"] == "canceled" else DONE


def _watched(desk: Desk, job: dict[str, Any], total: int | None) -> dict[str, Any]:
    """Wait until a job is over; if that can't be seen, say that it goes on."""
    with desk.progress("replaying", total) as progress:

        def look() -> dict[str, Any] | None:
            nonlocal job
            if job["status"] == "running":
                job = desk.hub.get(path("replays", job["id"]))
            progress(job["matched"])
            return job if job["status"] != "running" else None

        try:
            desk.wait_for(look, seconds=None, every=LOOK_EVERY_S)
        except (KeyboardInterrupt, Failed):
            end = desk.installation.typed(f"replay cancel {job['id']}")
            desk.note(f"The replay goes on without you: {end} ends it.")
            raise
    return job


def _written(value: object) -> object:
    return value.replace(tzinfo=UTC).isoformat() if isinstance(value, datetime) else value
