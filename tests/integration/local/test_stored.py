"""`make event FOR=topic`: a stored webhook that only an invocation of its topic's function processes."""

import json
from pathlib import Path

import pytest

from local import event, stored
from local.partners import SENDERS
from tests.support import template
from tests.support.cloud import Cloud
from tests.support.hub import Hub

TOPICS = [f"{provider}.{name}" for provider, name in template.topics() if provider in {each.id for each in SENDERS}]


def put(cloud: Cloud, topic: str, body: bytes) -> str:
    event_id, row = stored.stored_row(topic, body)
    cloud.dynamodb.put_item(TableName="table", Item=row)
    return event_id


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_processes_its_stored_sample_and_the_pump_does_not(hub: Hub, topic: str) -> None:
    event_id = put(hub.cloud, topic, event.body_of(topic))
    hub.settle()
    assert hub.event(event_id)["state"] == "received"
    hub.cloud.call(topic.replace(".", "/"), {"event_id": event_id})
    assert hub.event(event_id)["state"] == "processed"
    assert "apikey" not in str(hub.event(event_id)["body"])


def test_a_body_of_ones_own_is_stored(hub: Hub, tmp_path: Path) -> None:
    content = json.loads(event.body_of("camaloon.shipment_sent")) | {"order_id": 77}
    file = tmp_path / "body.json"
    file.write_text(json.dumps(content))
    event_id = put(hub.cloud, "camaloon.shipment_sent", event.body_of("camaloon.shipment_sent", file))
    hub.cloud.call("camaloon/shipment_sent", {"event_id": event_id})
    assert [each["tracking_number"] for each in hub.order("77")["shipments"]] == [content["tracking_number"]]
