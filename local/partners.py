"""Who talks to Pressroom, and what stands for them locally: one row each.

A row counts as soon as the deployed template has its outputs (or, for a simulator, its parameter), so a new provider
is one new row here.
"""

import base64
from dataclasses import dataclass
from typing import Literal

OPS_TOKEN = "local-ops-token"
PRINTFUL_API_TOKEN = "local-printful-api-token"
OMS_API_TOKEN = "local-oms-api-token"
NOTIFICATIONS_SECRET = "whsec_" + base64.b64encode(b"pressroom-local-notifications-secret").decode()
"""What the shop is told with is signed with this: base64, as Standard Webhooks wants it."""
NOTIFICATIONS_PATH = "/pressroom"
OUR_SECRETS = {
    "OpsTokenSecretArn": OPS_TOKEN,
    "PrintfulApiSecretArn": PRINTFUL_API_TOKEN,
    "OmsApiSecretArn": OMS_API_TOKEN,
    "StorefrontNotificationsSecretArn": NOTIFICATIONS_SECRET,
}
"""The secrets that authenticate no webhook, by the output that names them."""
SHOP_DOMAIN = "shop.example"
OMS_STORE_ID = "local-store"


@dataclass(frozen=True)
class Partner:
    """A sender of webhooks.

    `credential` is the key it has in stack.json; "token" means that the secret is the last segment of the URL.
    """

    name: str
    credential: Literal["secret", "apikey", "token"]
    value: str

    @property
    def url_output(self) -> str:
        return f"{self.name.capitalize()}WebhookUrl"

    @property
    def secret_output(self) -> str:
        return f"{self.name.capitalize()}SecretArn"

    def webhook(self, url: str) -> dict[str, str]:
        if self.credential == "token":
            return {"url": f"{url.removesuffix('{token}').rstrip('/')}/{self.value}"}
        return {"url": url, self.credential: self.value}


@dataclass(frozen=True)
class Simulator:
    """A third party's stand-in: `python -m local.simulators.<name> --port N`, reached by a template parameter."""

    name: str
    parameter: str
    path: str = ""


PARTNERS = (
    Partner("storefront", "secret", "local-storefront-secret"),
    Partner("camaloon", "secret", "local-camaloon-secret"),
    Partner("cloudprinter", "apikey", "local-cloudprinter-apikey"),
    Partner("printful", "token", "local-printful-token"),
    Partner("oms", "token", "local-oms-token"),
)
SIMULATORS = (
    Simulator("camaloon", "CamaloonBaseUrl"),
    Simulator("printful", "PrintfulBaseUrl"),
    Simulator("oms", "OmsBaseUrl"),
    Simulator("storefront", "StorefrontUrl", NOTIFICATIONS_PATH),
)


def local_secret(partner: str) -> str:
    return next(row.value for row in PARTNERS if row.name == partner)
