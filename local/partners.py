"""The partners in the local cloud: a credential for each sender of webhooks, and a simulator for each that is called.

The list of partners is `pressroom.partners`; this module has only the local values.
"""

import base64
from dataclasses import dataclass
from typing import Literal

from pressroom.partners import PARTNERS, SHOP

WEBHOOK_CREDENTIALS = {partner.id: f"local-{partner.id}-{partner.credential}" for partner in PARTNERS}
"""The credential of each sender's webhooks."""
API_TOKENS = {partner.id: f"local-{partner.id}-api-token" for partner in PARTNERS if partner.has_api_token}
"""The tokens with which Pressroom calls the partners' APIs."""
PRINTFUL_API_TOKEN, OMS_API_TOKEN = API_TOKENS["printful"], API_TOKENS["oms"]
OPS_TOKEN = "local-ops-token"
SEARCH_KEY = "local-search-key"
"""The key of the digests by which orders are found by e-mail address."""
NOTIFICATIONS_SECRET = "whsec_" + base64.b64encode(b"pressroom-local-notifications-secret").decode()
"""Signs the notifications to the shop; in base64, as Standard Webhooks requires."""
NOTIFICATIONS_PATH = "/pressroom"
SHOP_DOMAIN = "shop.example"
OMS_STORE_ID = "local-store"


@dataclass(frozen=True)
class Sender:
    """A partner that sends webhooks, with its local credential in `value`.

    `credential` is the credential's key in stack.json; for "token" the credential is the last segment of the URL.
    """

    id: str
    credential: Literal["secret", "apikey", "token"]
    value: str

    @property
    def url_output(self) -> str:
        return f"{self.id.capitalize()}WebhookUrl"

    @property
    def secret_output(self) -> str:
        return f"{self.id.capitalize()}SecretArn"

    def webhook(self, url: str) -> dict[str, str]:
        if self.credential == "token":
            return {"url": f"{url.removesuffix('{token}').rstrip('/')}/{self.value}"}
        return {"url": url, self.credential: self.value}


@dataclass(frozen=True)
class Simulator:
    """A stand-in for a partner: `python -m local.simulators.<id> --port N`. A template parameter holds its URL."""

    id: str
    parameter: str
    path: str = ""


def api_secret_output(partner_id: str) -> str:
    """Return the stack's output that names the secret with the token for a partner's API."""
    return f"{partner_id.capitalize()}ApiSecretArn"


SENDERS = tuple(Sender(each.id, each.credential, WEBHOOK_CREDENTIALS[each.id]) for each in PARTNERS)
OUR_SECRETS = {
    "OpsTokenSecretArn": OPS_TOKEN,
    "SearchSecretArn": SEARCH_KEY,
    **{api_secret_output(each.id): API_TOKENS[each.id] for each in PARTNERS if each.has_api_token},
    "StorefrontNotificationsSecretArn": NOTIFICATIONS_SECRET,
}
"""The secrets that authenticate no webhook, by the stack's output that names them."""
SIMULATORS = (
    *(Simulator(each.id, f"{each.id.capitalize()}BaseUrl") for each in PARTNERS if each.create or each.has_api_token),
    Simulator(SHOP, "StorefrontUrl", NOTIFICATIONS_PATH),
)
"""A simulator for each partner that Pressroom sends requests to."""


def local_secret(partner_id: str) -> str:
    return WEBHOOK_CREDENTIALS[partner_id]
