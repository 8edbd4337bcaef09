"""Replay one webhook or delivery, or many in a job, at a rate per minute."""

from datetime import UTC, datetime
from typing import Any

import click

from cli.api import path
from cli.commands import Group
from cli.errors import DONE, NEGATIVE, Failed
from cli.output import fields
from cli.session import Session
from pressroom.partners import DESTINATIONS, SOURCES

POLL_EVERY_S = 1
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"]


@click.group("replay", cls=Group)
def replay() -> None:
    """Process webhooks again, or send deliveries again."""


@replay.command("webhook")
@click.argument("event_id", metavar="WEBHOOK")
@click.pass_obj
def one_webhook(session: Session, /, event_id: str) -> int:
    """Process a failed or unhandled webhook again. Exit code 1 if it needed no replay."""
    return _replay_one(session, "events", event_id)


@replay.command("delivery")
@click.argument("delivery_id", metavar="DELIVERY")
@click.pass_obj
def one_delivery(session: Session, /, delivery_id: str) -> int:
    """Send a dead delivery again. Exit code 1 if it needed no replay."""
    return _replay_one(session, "deliveries", delivery_id)


def _replay_one(session: Session, what: str, identity: str) -> int:
    response = session.api.post(path(what, identity, "replay"))
    replayed = response["replayed"]
    outcome = "is queued for replay" if replayed else "needs no replay; nothing was changed"
    session.show(response, f"{identity} {outcome}.")
    return DONE if replayed else NEGATIVE


def _job_options[Function: Any](function: Function) -> Function:
    for option in (
        click.option("--no-wait", is_flag=True, help="Start the replay and return; don't wait until it has finished."),
        click.option("--yes", is_flag=True, help="Don't ask for confirmation."),
        click.option(
            "--per-minute",
            type=click.IntRange(1, 600),
            default=60,
            show_default=True,
            help="Maximum number of replays per minute.",
        ),
        click.option(
            "--limit",
            type=click.IntRange(1, 10_000),
            default=1000,
            show_default=True,
            help="Maximum number of replays.",
        ),
        click.option(
            "--until",
            type=click.DateTime(TIMES),
            help="Only webhooks received, or deliveries created, until this time (UTC).",
        ),
        click.option(
            "--since",
            type=click.DateTime(TIMES),
            help="Only webhooks received, or deliveries created, since this time (UTC).",
        ),
    ):
        function = option(function)
    return function


@replay.command("webhooks")
@click.option("--state", type=click.Choice(["failed", "unhandled"]), required=True, help="Only webhooks in this state.")
@click.option("--provider", type=click.Choice(SOURCES), help="Only webhooks of this provider.")
@click.option("--topic", help="Only webhooks of this topic, such as item_shipped.")
@_job_options
@click.pass_obj
def webhooks(session: Session, /, yes: bool, no_wait: bool, **criteria: Any) -> int:
    """Count the matching webhooks, ask for confirmation, and process them again."""
    return _replay_many(session, {"what": "events", **criteria}, yes=yes, wait=not no_wait)


@replay.command("deliveries")
@click.option(
    "--state", type=click.Choice(["dead"]), default="dead", show_default=True, help="Only deliveries in this state."
)
@click.option("--destination", type=click.Choice(DESTINATIONS), help="Only deliveries to this destination.")
@click.option("--operation", help="Only deliveries with this operation, such as order_paid.")
@_job_options
@click.pass_obj
def deliveries(session: Session, /, yes: bool, no_wait: bool, **criteria: Any) -> int:
    """Count the matching dead deliveries, ask for confirmation, and send them again."""
    return _replay_many(session, {"what": "deliveries", **criteria}, yes=yes, wait=not no_wait)


@replay.command("show")
@click.argument("job_id", metavar="JOB")
@click.pass_obj
def show(session: Session, /, job_id: str) -> None:
    """Show the progress of a replay job."""
    job = session.api.get(path("replays", job_id))
    about = {
        "status": job["status"],
        "what": _description(job),
        "by": job["by"],
        "requested": job["requested_at"],
        "replayed": str(job["replayed"]),
        "skipped": str(job["skipped"]),
    }
    session.show(job, fields(f"Replay {job_id}", about))


@replay.command("cancel")
@click.argument("job_id", metavar="JOB")
@click.pass_obj
def cancel(session: Session, /, job_id: str) -> int:
    """Stop a replay job. What it has replayed stays replayed. Exit code 1 if it had already ended."""
    job = session.api.post(path("replays", job_id, "cancel"))
    session.show(job, f"The replay is {job['status']}: {job['replayed']} replayed.")
    return DONE if job["status"] == "canceled" else NEGATIVE


def _description(criteria: dict[str, Any]) -> str:
    """Return what is replayed, such as `failed webhooks`. The API's name for webhooks is `events`."""
    return f"{criteria['state']} {criteria['what'].replace('events', 'webhooks')}"


def _replay_many(session: Session, criteria: dict[str, Any], *, yes: bool, wait: bool) -> int:
    content = {name: _to_json(value) for name, value in criteria.items() if value is not None}
    counted = session.api.post("/replays", {**content, "dry_run": True})
    matching = counted["matching"]
    if not matching and counted["complete"]:
        session.show(counted, f"No {_description(criteria)} match: nothing to replay.")
        return DONE
    total = min(matching, criteria["limit"])
    which = f"{total}{'' if counted['complete'] else ' or more'} of {matching}" if total < matching else f"{matching}"
    which += "" if counted["complete"] else " (counting stopped there; there may be more)"
    rate = f"{criteria['per_minute']} per minute"
    session.confirm(f"Replay {which}, {rate}, at {session.installation.title}?", yes=yes)
    job = session.api.post("/replays", {**content, "dry_run": False})
    if wait:
        job = _wait_for_end(session, job, total if counted["complete"] else None)
    result = f"{job['replayed']} replayed, {job['skipped']} needed no replay."
    if job["status"] == "running":
        typed = session.installation.typed
        show_it, stop_it = typed(f"replay show {job['id']}"), typed(f"replay cancel {job['id']}")
        result += f" It continues: see {show_it}; stop it with {stop_it}."
    session.show(job, f"The replay is {job['status']}: {result}")
    return NEGATIVE if job["status"] == "canceled" else DONE


def _wait_for_end(session: Session, job: dict[str, Any], total: int | None) -> dict[str, Any]:
    """Wait until a job has ended. If that fails, print that the job continues."""
    with session.progress("replaying", total) as progress:

        def poll() -> dict[str, Any] | None:
            nonlocal job
            if job["status"] == "running":
                job = session.api.get(path("replays", job["id"]))
            progress(job["matched"])
            return job if job["status"] != "running" else None

        try:
            session.wait_for(poll, seconds=None, every=POLL_EVERY_S)
        except (KeyboardInterrupt, Failed):
            stop_it = session.installation.typed(f"replay cancel {job['id']}")
            session.note(f"The replay continues in the background. Stop it with {stop_it}.")
            raise
    return job


def _to_json(value: object) -> object:
    return value.replace(tzinfo=UTC).isoformat() if isinstance(value, datetime) else value
