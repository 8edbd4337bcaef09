"""Commands for Pressroom's webhook at Printful: an operator shows, registers or removes it; a schedule checks it.

Printful keeps one URL per store, and each registration replaces the one before. So a foreign URL is overwritten only
if the command names it, and a lost registration is noticed, counted and, with the parameter PrintfulRepair, repaired.
"""

from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Any

from pressroom.platform import config
from pressroom.platform.errors import DeliveryError, Refused
from pressroom.platform.observe import count, logger
from pressroom.providers.printful import client, registration_state
from pressroom.providers.printful.client import WebhookInfo
from pressroom.providers.printful.registration import Endpoint, compare, desired, differences
from pressroom.providers.printful.registration_state import State, Wanted

type Answer = dict[str, Any]
ACTIONS = ("show", "register", "remove", "check")
_REPAIRABLE = (State.LOST, State.CHANGED)
_NO_TOKEN = "the path token is not set, or contains characters other than letters, digits, - and _"  # noqa: S105


@dataclass(frozen=True)
class Command:
    """What the function is invoked with. `product_ids` is None to keep the products that were wanted before."""

    action: str
    product_ids: tuple[int, ...] | None = None
    replace: str | None = None

    @classmethod
    def of(cls, request: Any) -> "Command":
        """Read a request. Raises Refused with a text for the operator."""
        if not isinstance(request, dict) or request.get("action") not in ACTIONS:
            raise Refused(f"action must be one of {', '.join(ACTIONS)}")
        if unknown := sorted(request.keys() - {"action", "product_ids", "replace"}):
            raise Refused(f"unknown fields: {', '.join(unknown)}")
        ids, replace = request.get("product_ids"), request.get("replace")
        if ids is not None and not (isinstance(ids, list) and all(type(each) is int and each > 0 for each in ids)):
            raise Refused("product_ids must be a list of positive integers")
        if not isinstance(replace, str | None):
            raise Refused("replace must be the URL that may be overwritten")
        return cls(request["action"], None if ids is None else tuple(sorted(set(ids))), replace)


def run(request: Any) -> Answer:
    """Run a command, `{"action", "product_ids", "replace"}`. The answer has `ok` and, if that is false, `problem`."""
    try:
        command = Command.of(request)
        if command.action == "check":
            return _check()
        action = {"show": _show, "register": _register, "remove": _remove}[command.action]
        return action(command, _endpoint())
    except Refused as error:
        return {"ok": False, "problem": str(error)}
    except DeliveryError as error:
        return {"ok": False, "problem": _request_failed(error)}


def _show(_: Command, endpoint: Endpoint) -> Answer:
    setting = registration_state.wanted()
    registered = client.get_webhook()
    answer = {"ok": True, "wanted": setting.wanted} | _compared(registered, setting, endpoint)
    return answer if setting.wanted else answer | {"state": State.NOT_WANTED}


def _register(command: Command, endpoint: Endpoint) -> Answer:
    if not endpoint.is_usable():
        raise Refused(_NO_TOKEN)
    registered = client.get_webhook()
    if not endpoint.may_overwrite(registered.url, command.replace):
        problem = "another URL is registered; to overwrite it, name it in `replace`"
        return {"ok": False, "problem": problem, "registered": _shown(registered, endpoint)}
    products = registration_state.wanted().product_ids if command.product_ids is None else command.product_ids
    setting = Wanted(True, products)
    registration_state.want(setting, config.utcnow())  # before the request: if its answer is lost, the check repairs it
    return {"wanted": True} | _set(setting, endpoint)


def _set(setting: Wanted, endpoint: Endpoint) -> Answer:
    compared = _compared(client.set_webhook(desired(endpoint, setting.product_ids)), setting, endpoint)
    registration_state.record(compared["state"], config.utcnow())
    logger().info("printful_webhook_registered", state=compared["state"])
    if compared["state"] is State.FINE:
        return {"ok": True} | compared
    return {"ok": False, "problem": "Printful did not register what Pressroom sent"} | compared


def _remove(command: Command, endpoint: Endpoint) -> Answer:
    # Before the request: otherwise a check in between would register it again.
    registration_state.want(changed(registration_state.wanted(), wanted=False), config.utcnow())
    registered = client.get_webhook()
    if not endpoint.may_overwrite(registered.url, command.replace):
        problem = (
            "Pressroom no longer wants a webhook, but another URL is registered; to remove it, name it in `replace`"
        )
        return {"ok": False, "problem": problem, "registered": _shown(registered, endpoint)}
    if registered.url:
        registered = client.remove_webhook()
        logger().info("printful_webhook_removed")
    if registered.url:
        return {"ok": False, "problem": "Printful still has a URL", "registered": _shown(registered, endpoint)}
    return {"ok": True, "wanted": False, "state": State.NOT_WANTED, "registered": _shown(registered, endpoint)}


def _check() -> Answer:
    setting = registration_state.wanted()
    if not setting.wanted:
        return {"ok": True, "state": State.NOT_WANTED}
    endpoint = _endpoint()
    try:
        found = _compared(client.get_webhook(), setting, endpoint)
    except DeliveryError as error:
        found = {"state": State.NOT_ASKED, "problem": _request_failed(error)}
    state = found["state"]
    registration_state.record(state, config.utcnow())
    if state is State.FINE:
        return {"ok": True} | found
    problem = {"problem": found["problem"]} if "problem" in found else {}
    logger().error("printful_webhook_wrong", state=state, **problem)
    count("PrintfulWebhookWrong", state=state)
    if state not in _REPAIRABLE or config.setting("PRINTFUL_REPAIR") != "true":
        return {"ok": False} | found
    return _repair(setting, endpoint) | {"state": state}


def _repair(setting: Wanted, endpoint: Endpoint) -> Answer:
    answer: Answer = {"ok": False, "problem": _NO_TOKEN}
    if registration_state.wanted() != setting:  # Printful answered slowly, and an operator was faster
        answer = {"ok": False, "problem": "another command has changed the registration meanwhile"}
    elif endpoint.is_usable():
        try:
            answer = _set(setting, endpoint)
        except DeliveryError as error:
            answer = {"ok": False, "problem": _request_failed(error)}
    if answer["ok"]:
        logger().warning("printful_webhook_repaired")
    else:
        logger().error("printful_webhook_not_repaired", problem=answer["problem"])
    return answer | {"repaired": answer["ok"]}


def _endpoint() -> Endpoint:
    # Read afresh: a token that was replaced a moment ago must not be registered again.
    return Endpoint(config.setting("PUBLIC_API_URL").rstrip("/"), config.secret("PRINTFUL_SECRET_ARN").fresh())


def _request_failed(error: DeliveryError) -> str:
    return f"the request to Printful failed: {error.reason}"


def _compared(registered: WebhookInfo, setting: Wanted, endpoint: Endpoint) -> Answer:
    """Compare what is registered with what is, or would be, wanted."""
    should_be = desired(endpoint, setting.product_ids)
    return {
        "state": compare(registered, should_be, endpoint),
        "registered": _shown(registered, endpoint),
        "differences": differences(registered, should_be, endpoint),
    }


def _shown(registered: WebhookInfo, endpoint: Endpoint) -> Answer:
    return {
        "url": endpoint.shown(registered.url),
        "types": list(registered.types),
        "product_ids": list(registered.product_ids),
    }
