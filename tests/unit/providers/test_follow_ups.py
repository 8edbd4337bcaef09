"""What else is written when a delivery ends concerns the OMS alone, so the other deliverers don't load it."""

from datetime import UTC, datetime

import pytest

from pressroom.order.outbox import Delivery
from pressroom.partners import BY_ID, DESTINATIONS
from pressroom.providers.follow_ups import FOLLOW_UPS

NOW = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize("destination", DESTINATIONS)
@pytest.mark.parametrize("kind", ["sent", "dead", "withdrawn"])
def test_only_deliveries_to_the_oms_are_followed_up(
    destination: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_NAME", "table")
    operation = BY_ID[destination].create or "notify"
    delivery = Delivery.to(destination, operation, order_id="1001", body=b"{}", now=NOW)
    rows = list(FOLLOW_UPS.rows(delivery, kind, {"changed": ["1"]}, NOW))
    assert bool(rows) == (destination == "oms" and kind == "sent")
