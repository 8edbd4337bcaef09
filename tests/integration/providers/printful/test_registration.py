"""The function that manages Printful's webhook, against moto and the simulator; and the command that invokes it."""

import json
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient

from cli.main import main
from functions.printful_webhook.handler import handler
from local.simulators.base import observed
from local.simulators.printful import make_app
from pressroom.platform import http
from pressroom.platform.errors import Dead, DeliveryError, Retry
from pressroom.providers.printful import client
from pressroom.providers.printful.registration import TYPES
from tests.integration.conftest import Printed
from tests.support.cloud import Clock, Cloud
from tests.support.invoked import InvokedLambda

BASE = "https://abc.execute-api.eu-west-1.amazonaws.com"
OURS, SHOWN = f"{BASE}/webhooks/printful/the-path-token", f"{BASE}/webhooks/printful/***"
FOREIGN = "https://another.example/printful?key=1"
API_TOKEN = "the-api-token"
PAIR = {"url": FOREIGN, "types": ["package_shipped"]}


class Printful:
    """The simulator, spoken to without a network; `fails` stands in the way of the next calls of a method."""

    def __init__(self) -> None:
        self.client: FlaskClient = observed(make_app(API_TOKEN)).test_client()
        self.fails: dict[str, list[DeliveryError]] = {}
        self.calls: list[str] = []

    def request(
        self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str], read: int
    ) -> http.Response:
        assert url == "https://printful.example/webhooks"
        self.calls.append(method)
        if self.fails.get(method):
            raise self.fails[method].pop(0)
        answer = self.client.open("/webhooks", method=method, data=body, headers=dict(headers))
        if answer.status_code != 200:
            raise Dead(f"HTTP {answer.status_code}", status=answer.status_code)
        return http.Response(200, answer.data)

    def is_told(self, configuration: dict[str, Any] | None) -> None:
        """Change what is registered behind Pressroom's back."""
        method, body = ("POST", json.dumps(configuration)) if configuration else ("DELETE", None)
        answer = self.client.open(
            "/webhooks", method=method, data=body, headers={"Authorization": f"Bearer {API_TOKEN}"}
        )
        assert answer.status_code == 200, answer.text

    @property
    def registered(self) -> dict[str, Any]:
        answer = self.client.get("/webhooks", headers={"Authorization": f"Bearer {API_TOKEN}"})
        return dict(answer.get_json()["result"])


@pytest.fixture(name="other")
def _other(cloud: Cloud, clock: Clock, monkeypatch: pytest.MonkeyPatch, printed: Printed) -> Iterator[Printful]:
    """Printful, and the function's environment; in the end, that nothing secret was printed."""
    other = Printful()
    monkeypatch.setattr(http, "request", other.request)
    monkeypatch.setattr(client, "PACE", client.Pace(clock.monotonic, clock.advance))
    for variable, value in (("PRINTFUL_API_SECRET_ARN", API_TOKEN), ("PRINTFUL_SECRET_ARN", "the-path-token")):
        secret = json.dumps({"current": value, "previous": "the-former-token"})
        arn = cloud.secrets.create_secret(Name=f"test/{variable}", SecretString=secret)["ARN"]
        monkeypatch.setenv(variable, arn)
    monkeypatch.setenv("PUBLIC_API_URL", BASE)
    monkeypatch.setenv("PRINTFUL_BASE_URL", "https://printful.example")
    monkeypatch.setenv("PRINTFUL_STORE_ID", "")
    monkeypatch.setenv("PRINTFUL_REPAIR", "false")
    yield other
    assert not [each for each in (API_TOKEN, "the-path-token", "the-former-token", FOREIGN) if each in printed.text()]


def call(action: str, **more: Any) -> dict[str, Any]:
    """The function's answer as it leaves Lambda, in which no token may stand."""
    answer = json.dumps(handler({"action": action, **more}, SimpleNamespace()))
    assert not [each for each in (API_TOKEN, "the-path-token", "the-former-token") if each in answer]
    return dict(json.loads(answer))


def rotate(cloud: Cloud, current: str, previous: str) -> None:
    """Set the path's token; no time passes before the next command."""
    arn = cloud.secrets.describe_secret(SecretId="test/PRINTFUL_SECRET_ARN")["ARN"]
    value = json.dumps({"current": current, "previous": previous})
    cloud.secrets.put_secret_value(SecretId=arn, SecretString=value)


def test_registering_enables_all_types_for_our_url(other: Printful, cloud: Cloud) -> None:
    answer = call("register", product_ids=[12, 5])
    assert (answer["ok"], answer["state"], answer["registered"]["url"]) == (True, "fine", SHOWN)
    assert (other.registered["url"], set(other.registered["types"])) == (OURS, set(TYPES))
    assert other.registered["params"] == {"stock_updated": {"product_ids": [5, 12]}}
    (row,) = (each for each in cloud.rows("SETTING") if "wanted" in each)
    assert row == {
        "pk": {"S": "SETTING#printful_webhook"},
        "wanted": {"BOOL": True},
        "product_ids": {"L": [{"N": "5"}, {"N": "12"}]},
        "changed_at": {"S": "2026-09-01T14:10:00.000Z"},
    }


def test_products_are_kept_until_others_are_named(other: Printful) -> None:
    call("register", product_ids=[5])
    call("remove")
    assert call("register")["registered"]["product_ids"] == [5]
    assert call("register", product_ids=[])["registered"]["product_ids"] == []
    assert "stock_updated" not in other.registered["types"]
    assert call("register")["registered"]["product_ids"] == []


def test_somebody_elses_url_is_not_overwritten(other: Printful, cloud: Cloud) -> None:
    other.is_told(PAIR)
    for more in ({}, {"replace": "https://another.example/printful"}):
        answer = call("register", **more)
        assert (answer["ok"], answer["registered"]["url"]) == (False, FOREIGN)
        assert "replace" in answer["problem"]
    assert other.registered["url"] == FOREIGN
    assert set(other.calls) == {"GET"}
    assert not cloud.rows("SETTING"), "a refused registration is not watched"


def test_somebody_elses_url_is_overwritten_when_it_is_named(other: Printful) -> None:
    other.is_told(PAIR)
    assert call("register", replace=FOREIGN)["ok"]
    assert other.registered["url"] == OURS


def test_a_former_url_of_ours_is_overwritten(other: Printful) -> None:
    other.is_told({**PAIR, "url": f"{BASE}/webhooks/printful/forgotten"})
    assert call("register")["ok"]
    assert other.registered["url"] == OURS


def test_registering_uses_the_token_of_this_moment(other: Printful, cloud: Cloud) -> None:
    call("register")
    rotate(cloud, "the-next-token", "the-path-token")
    assert call("show")["differences"] == ["the token is not the current one"]
    call("register")
    assert other.registered["url"] == f"{BASE}/webhooks/printful/the-next-token"


def test_a_registration_whose_answer_is_lost_is_wanted_all_the_same(other: Printful) -> None:
    other.fails["POST"] = [Retry("no connection")] * 3
    assert call("register") == {"ok": False, "problem": "the request to Printful failed: no connection"}
    assert call("check")["state"] == "lost"


def test_a_registration_that_printful_did_not_take_is_no_success(
    other: Printful, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "set_webhook", lambda info: client.WebhookInfo(info.url, info.types[:3]))
    answer = call("register")
    assert (answer["ok"], answer["state"], len(answer["differences"])) == (False, "changed", len(TYPES) - 4)


def test_removing_takes_ours_away(other: Printful) -> None:
    call("register")
    assert call("remove")["ok"]
    assert other.registered["url"] is None
    assert call("check") == {"ok": True, "state": "not_wanted"}
    other.calls.clear()
    assert call("remove")["ok"]
    assert other.calls == ["GET"], "there is nothing to remove"


def test_removing_leaves_somebody_elses_url_unless_it_is_named(other: Printful) -> None:
    call("register")
    other.is_told(PAIR)
    answer = call("remove")
    assert (answer["ok"], answer["registered"]["url"], other.registered["url"]) == (False, FOREIGN, FOREIGN)
    assert call("check")["state"] == "not_wanted", "ours is wanted no more, whoever is registered"
    assert call("remove", replace=FOREIGN)["ok"]
    assert other.registered["url"] is None


def test_showing_says_what_is_registered_and_what_differs(other: Printful) -> None:
    assert call("show")["state"] == "not_wanted"
    call("register", product_ids=[5])
    other.is_told({"url": OURS, "types": ["package_shipped"]})
    answer = call("show")
    assert (answer["ok"], answer["wanted"], answer["state"]) == (True, True, "changed")
    assert answer["registered"] == {"url": SHOWN, "types": ["package_shipped"], "product_ids": []}
    assert "order_failed is not enabled" in answer["differences"]
    assert "stock_updated is not sent for product 5" in answer["differences"]


def lose(other: Printful) -> None:
    other.is_told(None)


def replace(other: Printful) -> None:
    other.is_told(PAIR)


def change(other: Printful) -> None:
    other.is_told({"url": OURS, "types": ["package_shipped"]})


def age(other: Printful) -> None:
    other.is_told({**other.registered, "url": f"{BASE}/webhooks/printful/the-former-token"})


def fall_silent(other: Printful) -> None:
    other.fails["GET"] = [Retry("HTTP 503", status=503)] * 3


def refuse(other: Printful) -> None:
    other.fails["GET"] = [Dead("HTTP 401", status=401)]


WRONG = [
    *((lose, "lost"), (replace, "replaced"), (change, "changed"), (age, "changed")),
    *((fall_silent, "not_asked"), (refuse, "not_asked")),
]


def test_a_check_is_silent_and_free_while_nothing_is_wanted(other: Printful, printed: Printed) -> None:
    assert call("check") == {"ok": True, "state": "not_wanted"}
    assert not other.calls
    assert "printful" not in printed.text()


def test_a_check_that_finds_all_well_counts_nothing(other: Printful, printed: Printed) -> None:
    call("register")
    answer = call("check")
    assert (answer["ok"], answer["state"]) == (True, "fine")
    assert "Wrong" not in printed.text()


@pytest.mark.parametrize(("spoil", "state"), WRONG)
def test_a_check_says_and_counts_what_is_wrong(other: Printful, printed: Printed, spoil: Any, state: str) -> None:
    call("register", product_ids=[5])
    spoil(other)
    before = other.registered
    answer = call("check")
    assert (answer["ok"], answer["state"]) == (False, state)
    assert "repaired" not in answer
    assert other.registered == before
    lines = [json.loads(line) for line in printed.text().splitlines()]
    (logged,) = [line for line in lines if line.get("message") == "printful_webhook_wrong"]
    (counted,) = [line for line in lines if "PrintfulWebhookWrong" in line]
    assert (logged["state"], counted["state"]) == (state, state)


@pytest.mark.parametrize(("spoil", "state"), WRONG)
def test_only_what_was_lost_or_changed_is_repaired(
    other: Printful, printed: Printed, monkeypatch: pytest.MonkeyPatch, spoil: Any, state: str
) -> None:
    monkeypatch.setenv("PRINTFUL_REPAIR", "true")
    call("register", product_ids=[5])
    wanted = other.registered
    spoil(other)
    before, repairable = other.registered, state in ("lost", "changed")
    answer = call("check")
    assert (answer["ok"], answer["state"], answer.get("repaired", False)) == (repairable, state, repairable)
    assert other.registered == (wanted if repairable else before)
    text = printed.text()
    assert text.count("printful_webhook_repaired") == repairable
    assert '"PrintfulWebhookWrong":[1.0]' in text.replace(" ", ""), "it is counted all the same"


def test_a_repair_that_fails_is_no_repair(other: Printful, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRINTFUL_REPAIR", "true")
    call("register")
    lose(other)
    other.fails["POST"] = [Dead("HTTP 400", status=400)]
    answer = call("check")
    assert (answer["ok"], answer["state"], answer["repaired"]) == (False, "lost", False)
    assert "printful_webhook_not_repaired" in printed.text()


def test_a_check_that_a_removal_overtakes_registers_nothing(other: Printful, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRINTFUL_REPAIR", "true")
    call("register")
    real = client.get_webhook

    def removed_meanwhile() -> client.WebhookInfo:
        with monkeypatch.context() as patch:
            patch.setattr(client, "get_webhook", real)
            assert call("remove")["ok"] is True
        return real()

    monkeypatch.setattr(client, "get_webhook", removed_meanwhile)
    answer = call("check")
    assert (answer["ok"], answer["repaired"]) == (False, False)
    assert other.registered["url"] is None


def test_without_a_path_token_nothing_is_registered(
    other: Printful, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRINTFUL_REPAIR", "true")
    call("register")
    rotate(cloud, "", "")
    assert "not set" in call("register")["problem"]
    answer = call("check")
    assert (answer["ok"], answer["state"], answer["repaired"]) == (False, "changed", False)


def test_without_an_api_token_the_answer_says_so(other: Printful, cloud: Cloud) -> None:
    arn = cloud.secrets.describe_secret(SecretId="test/PRINTFUL_API_SECRET_ARN")["ARN"]
    cloud.secrets.put_secret_value(SecretId=arn, SecretString='{"current": "", "previous": ""}')
    answer = call("show")
    assert (answer["ok"], "API token is not set" in answer["problem"]) == (False, True)
    assert not other.calls


@pytest.mark.parametrize(
    "request_",
    [None, {}, {"action": "destroy"}, {"action": "register", "product_ids": ["5"]}, {"action": "remove", "replace": 1}],
)
def test_bad_input_gets_an_answer(other: Printful, request_: Any) -> None:
    answer = handler(request_, SimpleNamespace())
    assert (answer["ok"], bool(answer["problem"])) == (False, True)
    assert not other.calls


def run(monkeypatch: pytest.MonkeyPatch, functions: InvokedLambda, action: str, *more: str) -> int:
    monkeypatch.setattr("boto3.client", lambda service, config: functions)
    return main(["printful-webhook", action, "--stack", "shop", *more])


def test_the_command_prints_what_the_function_answers(
    other: Printful, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = InvokedLambda(handler)
    assert run(monkeypatch, functions, "register", "--products", "5,12") == 0
    assert functions.calls[0]["FunctionName"] == "shop-printful_webhook"
    assert f"  URL       {SHOWN}\n" in printed.text()
    assert "  products  5, 12\n" in printed.text()


def test_the_command_fails_if_the_function_refuses(other: Printful, monkeypatch: pytest.MonkeyPatch) -> None:
    other.is_told({**PAIR, "url": "https://third.example"})
    assert run(monkeypatch, InvokedLambda(handler), "register") == 1
    assert run(monkeypatch, InvokedLambda(handler), "register", "--replace", "https://third.example") == 0
