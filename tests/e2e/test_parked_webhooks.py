"""A webhook whose function fails is parked, visible, and processed when it is replayed; secrets can be rotated."""

from tests.e2e.conftest import Shop
from tests.e2e.functions import configured
from tests.e2e.test_orders import attempts_ended


def test_a_webhook_that_failed_three_times_is_parked_and_can_be_replayed(shop: Shop) -> None:
    order = shop.order()
    with configured(shop, "storefront-order_paid", ROUTING_RULES="*=nobody"):
        event_id = shop.pay(order).json()["event_id"]
        parked = shop.event_until(event_id, "failed")
        assert parked["error"]
        assert event_id in [each["id"] for each in shop.api("/events?state=failed&limit=100").json()["events"]]
        assert shop.known(order["id"]) is None
        assert shop.pay(order).json()["status"] == "duplicate"

    assert shop.api(f"/events/{event_id}/replay", "POST").json() == {"id": event_id, "replayed": True}
    shop.event_until(event_id, "processed")
    order = shop.until(order["id"], attempts_ended)
    assert order["deliveries"][0]["status"] == "delivered"
    assert event_id not in [each["id"] for each in shop.api("/events?state=failed&limit=100").json()["events"]]
    assert shop.api(f"/events/{event_id}/replay", "POST").json() == {"id": event_id, "replayed": False}
    assert len(shop.arrived(order["id"])) == 1


def test_a_rotated_secret_is_used_at_once_and_the_previous_one_still_works(shop: Shop) -> None:
    secrets, arn = shop.stack.client("secretsmanager"), shop.stack.outputs()["StorefrontSecretArn"]
    old = shop.stack.webhooks["storefront"]["secret"]
    assert shop.pay(shop.order()).status_code == 202
    secrets.put_secret_value(SecretId=arn, SecretString=f'{{"current": "rotated", "previous": "{old}"}}')
    try:
        assert shop.pay(shop.order()).status_code == 202
    finally:
        secrets.put_secret_value(SecretId=arn, SecretString=f'{{"current": "{old}", "previous": ""}}')
