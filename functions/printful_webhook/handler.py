"""Printful's webhook: shown, registered and removed by a person's command, looked at by a schedule.

Printful keeps one URL per store, and whoever registers replaces it. So a foreign one is overwritten only when it is
named, and a registration that got lost is noticed, counted and, if wanted, repaired.
"""

from dataclasses import replace
from typing import Any

from pressroom.platform import config
from pressroom.platform.errors import DeliveryError, Refused
from pressroom.platform.observe import count, logger
from pressroom.providers.printful import client
from pressroom.providers.printful.client import WebhookInfo
from pressroom.providers.printful.registration import (
    Command,
    Endpoint,
    State,
    Wanted,
    compare,
    desired,
    differences,
    saw,
    want,
    wanted,
)

type Answer = dict[str, Any]
_REPAIRABLE = (State.LOST, State.CHANGED)
_NO_TOKEN = "the token of the webhook's path is not set, or holds more than letters, digits, - and _"  # noqa: S105


def handler(event: Any, context: Any) -> Answer:
    """Do as told: `{"action", "product_ids", "replace"}`. The answer says `ok`, and if not, the `problem`."""
    try:
        command = Command.of(event)
        if command.action == "check":
            return _check()
        action = {"show": _show, "register": _register, "remove": _remove}[command.action]
        return action(command, _endpoint())
    except Refused as error:
        return {"ok": False, "problem": str(error)}
    except DeliveryError as error:
        return {"ok": False, "problem": f"Printful could not be asked: {error.reason}"}


def _show(_: Command, endpoint: Endpoint) -> Answer:
    setting = wanted()
    registered = client.get_webhook()
    answer = {"ok": True, "wanted": setting.wanted} | _seen(registered, setting, endpoint)
    return answer if setting.wanted else answer | {"state": State.NOT_WANTED}


def _register(command: Command, endpoint: Endpoint) -> Answer:
    if not endpoint.is_usable():
        raise Refused(_NO_TOKEN)
    registered = client.get_webhook()
    if not endpoint.may_overwrite(registered.url, command.replace):
        problem = "another URL is registered: it is overwritten only if `replace` names it"
        return {"ok": False, "problem": problem, "registered": _shown(registered, endpoint)}
    products = wanted().product_ids if command.product_ids is None else command.product_ids
    setting = Wanted(True, products)
    want(setting, config.utcnow())  # before Printful is told: if its answer gets lost, the next check will see to it
    return {"wanted": True} | _set(setting, endpoint)


def _set(setting: Wanted, endpoint: Endpoint) -> Answer:
    seen = _seen(client.set_webhook(desired(endpoint, setting.product_ids)), setting, endpoint)
    saw(seen["state"], config.utcnow())
    logger().info("printful_webhook_registered", state=seen["state"])
    if seen["state"] is State.FINE:
        return {"ok": True} | seen
    return {"ok": False, "problem": "Printful has not registered what it was sent"} | seen


def _remove(command: Command, endpoint: Endpoint) -> Answer:
    want(replace(wanted(), wanted=False), config.utcnow())  # first, or a check in between would repair what we remove
    registered = client.get_webhook()
    if not endpoint.may_overwrite(registered.url, command.replace):
        problem = (
            "Pressroom's URL is wanted no more, but another is registered: it is removed only if `replace` names it"
        )
        return {"ok": False, "problem": problem, "registered": _shown(registered, endpoint)}
    if registered.url:
        registered = client.remove_webhook()
        logger().info("printful_webhook_removed")
    if registered.url:
        return {"ok": False, "problem": "Printful still has an URL", "registered": _shown(registered, endpoint)}
    return {"ok": True, "wanted": False, "state": State.NOT_WANTED, "registered": _shown(registered, endpoint)}


def _check() -> Answer:
    setting = wanted()
    if not setting.wanted:
        return {"ok": True, "state": State.NOT_WANTED}
    endpoint = _endpoint()
    try:
        seen = _seen(client.get_webhook(), setting, endpoint)
    except DeliveryError as error:
        seen = {"state": State.NOT_ASKED, "problem": f"Printful could not be asked: {error.reason}"}
    state = seen["state"]
    saw(state, config.utcnow())
    if state is State.FINE:
        return {"ok": True} | seen
    logger().error("printful_webhook_wrong", state=state, **({"problem": seen["problem"]} if "problem" in seen else {}))
    count("PrintfulWebhookWrong", state=state)
    if state not in _REPAIRABLE or config.setting("PRINTFUL_REPAIR") != "true":
        return {"ok": False} | seen
    return _repair(setting, endpoint) | {"state": state}


def _repair(setting: Wanted, endpoint: Endpoint) -> Answer:
    answer: Answer = {"ok": False, "problem": _NO_TOKEN}
    if wanted() != setting:  # Printful was slow to answer, and somebody has removed or registered meanwhile
        answer = {"ok": False, "problem": "what is wanted has changed meanwhile"}
    elif endpoint.is_usable():
        try:
            answer = _set(setting, endpoint)
        except DeliveryError as error:
            answer = {"ok": False, "problem": f"Printful could not be told: {error.reason}"}
    if answer["ok"]:
        logger().warning("printful_webhook_repaired")
    else:
        logger().error("printful_webhook_not_repaired", problem=answer["problem"])
    return answer | {"repaired": answer["ok"]}


def _endpoint() -> Endpoint:
    # A token that was rotated away a moment ago must not be registered again.
    return Endpoint(config.setting("PUBLIC_API_URL").rstrip("/"), config.secret("PRINTFUL_SECRET_ARN").fresh())


def _seen(registered: WebhookInfo, setting: Wanted, endpoint: Endpoint) -> Answer:
    """Compare with what is, or would be, wanted."""
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
