"""The API Gateway events for `sam local` (events/receive) agree with the samples and the local secrets."""

import json
from pathlib import Path

import pytest

from local import event
from local.partners import SENDERS
from pressroom.inbox.receiver import Request
from pressroom.platform.signing import is_camaloon_signature

ROOT = Path(__file__).parents[2]
SHOWN = {
    "storefront": "storefront.order_paid",
    "camaloon": "camaloon.shipment_sent",
    "cloudprinter": "cloudprinter.item_shipped",
    "printful": "printful.package_shipped",
    "oms": "oms.print_file_ready",
}
"""The topic whose sample each receiver's event contains."""


def test_every_receiver_has_an_event() -> None:
    receivers = {folder.name for folder in (ROOT / "functions/receive").iterdir() if (folder / "handler.py").is_file()}
    assert receivers == set(SHOWN)
    assert receivers == {file.stem for file in (ROOT / "events/receive").iterdir()}


@pytest.mark.parametrize(("provider", "topic"), SHOWN.items())
def test_a_gateway_event_is_what_make_event_prints(provider: str, topic: str) -> None:
    text = (ROOT / f"events/receive/{provider}.json").read_text()
    assert text.rstrip("\n") == event.as_text(event.for_topic(topic)), f"renew it: make -s event TOPIC={topic}"


@pytest.mark.parametrize("provider", SHOWN)
def test_a_gateway_event_is_authenticated_by_the_local_secret(provider: str) -> None:
    request = Request.of(json.loads((ROOT / f"events/receive/{provider}.json").read_text()))
    (partner,) = [sender for sender in SENDERS if sender.id == provider]
    match partner.credential:
        case "secret":
            given = request.headers["x-camaloon-hmac-sha256"]
            assert is_camaloon_signature(given, request.body, [partner.value])
        case "apikey":
            assert json.loads(request.body)["apikey"] == partner.value
        case "token":
            assert request.token == partner.value
