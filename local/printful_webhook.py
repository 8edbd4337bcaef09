"""`python -m local printful-webhook`: invoke the Lambda that manages Printful's webhook, and say what it answered."""

from typing import Any

from local.invoke import ask
from local.progress import say

FUNCTION = "printful_webhook"
STATES = {
    "fine": "Printful sends its webhooks to Pressroom.",
    "lost": "Printful has no webhook, although Pressroom wants one.",
    "replaced": "Printful sends its webhooks to somebody else.",
    "changed": "Printful's webhook is Pressroom's, but not as it should be.",
    "not_wanted": "Pressroom wants no webhook of Printful.",
}


def run(action: str, *, products: list[int] | None, replace: str | None, stack: str | None) -> int:
    """Return the exit code: 0 only if the function says that all went well."""
    asked: dict[str, Any] = {"action": action}
    if products is not None:
        asked["product_ids"] = products
    if replace is not None:
        asked["replace"] = replace
    answer = ask(FUNCTION, asked, stack=stack)
    say(readable(answer))
    return 0 if answer["ok"] else 1


def readable(answer: dict[str, Any]) -> str:
    lines = [f"Not done: {answer['problem']}." if "problem" in answer else STATES.get(answer["state"], answer["state"])]
    if registered := answer.get("registered"):
        products = ", ".join(map(str, registered["product_ids"])) or "none"
        types = ", ".join(registered["types"]) or "none"
        lines += [f"  URL       {registered['url'] or 'none'}", f"  types     {types}", f"  products  {products}"]
    return "\n".join([*lines, *(f"  differs   {each}" for each in answer.get("differences", ()))])
