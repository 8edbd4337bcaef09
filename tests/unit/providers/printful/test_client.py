"""Calls to Printful: the envelope, the pace and the repeated tries, with a fake in place of the network."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from pressroom.platform import config, http
from pressroom.platform.errors import Dead, DeliveryError, Retry
from pressroom.providers.printful import client
from pressroom.providers.printful.client import ANSWER_BYTES, LONGEST_PAUSE_S, Pace, WebhookInfo

TOKEN = "the-api-token"
URL = "https://hub.example/webhooks/printful/the-path-token"
RESULT = {
    "url": URL,
    "types": ["package_shipped", "stock_updated"],
    "params": {"stock_updated": {"product_ids": [5, 12]}},
}
INFO = WebhookInfo(URL, ("package_shipped", "stock_updated"), (5, 12))


class FakePrintful:
    """Responds with `answers` in turn, and repeats the last one. Its clock moves only in `sleep`."""

    def __init__(self) -> None:
        self.answers: list[bytes | DeliveryError] = [json.dumps({"code": 200, "result": RESULT}).encode()]
        self.requests: list[tuple[str, str, bytes | None, dict[str, str]]] = []
        self.now = 1000.0
        self.slept: list[float] = []

    def request(
        self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str], read: int
    ) -> http.Response:
        assert read == ANSWER_BYTES
        self.requests.append((method, url, body, dict(headers)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, DeliveryError):
            raise answer
        return http.Response(200, answer)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture(name="other")
def _other(monkeypatch: pytest.MonkeyPatch) -> FakePrintful:
    other = FakePrintful()
    monkeypatch.setattr(http, "request", other.request)
    monkeypatch.setattr(client, "PACE", Pace(lambda: other.now, other.sleep))
    monkeypatch.setenv("PRINTFUL_BASE_URL", "https://printful.example/")
    monkeypatch.setenv("PRINTFUL_STORE_ID", "")
    has(monkeypatch, TOKEN)
    return other


def has(monkeypatch: pytest.MonkeyPatch, *tokens: str) -> None:
    monkeypatch.setattr(config, "secret", lambda _: SimpleNamespace(fresh=lambda: tokens))


def test_a_call_has_the_current_token_and_reads_the_envelope(
    other: FakePrintful, monkeypatch: pytest.MonkeyPatch
) -> None:
    has(monkeypatch, TOKEN, "the-previous-one")
    assert client.get_webhook() == INFO
    ((method, url, body, headers),) = other.requests
    assert (method, url, body) == ("GET", "https://printful.example/webhooks", None)
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert "X-PF-Store-Id" not in headers


def test_a_call_with_an_account_token_names_the_store(other: FakePrintful, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRINTFUL_STORE_ID", "7654321")
    client.get_webhook()
    assert other.requests[0][3]["X-PF-Store-Id"] == "7654321"


def test_it_sends_the_three_keys_that_printful_knows(other: FakePrintful) -> None:
    assert client.set_webhook(INFO) == INFO
    method, _, body, headers = other.requests[0]
    assert (method, json.loads(body or b"")) == ("POST", RESULT)
    assert headers["Content-Type"] == "application/json"


def test_without_products_there_are_no_params() -> None:
    assert json.loads(WebhookInfo(URL, ("package_shipped",)).body())["params"] == {}


def test_the_configuration_can_be_removed(other: FakePrintful) -> None:
    other.answers = [b'{"code": 200, "result": {"url": null, "types": [], "params": []}}']
    assert client.remove_webhook() == WebhookInfo()
    assert other.requests[0][:1] == ("DELETE",)


@pytest.mark.parametrize(
    ("result", "info"),
    [
        (None, WebhookInfo()),
        ([], WebhookInfo()),
        ({}, WebhookInfo()),
        ({"url": "", "types": None, "params": None}, WebhookInfo()),
        ({"url": None, "types": [], "params": []}, WebhookInfo()),
        ({"url": URL, "types": {}, "params": {"stock_updated": []}}, WebhookInfo(URL)),
        ({"url": URL, "params": {"stock_updated": {"product_ids": None}}}, WebhookInfo(URL)),
        ({"url": URL, "params": {"stock_updated": {"product_ids": ["5", 12, None, True, -1, 1.5]}}, "new": 1}, None),
    ],
)
def test_a_missing_value_may_be_null_empty_or_a_list(result: Any, info: WebhookInfo | None) -> None:
    assert WebhookInfo.of(result) == (info or WebhookInfo(URL, (), (5, 12)))


@pytest.mark.parametrize("result", ["text", 5, ["a"], {"url": 5}, {"url": {"a": 1}}, {"types": "all"}])
def test_an_unknown_shape_is_an_error(result: Any) -> None:
    with pytest.raises(Dead, match=r"can.t be read"):
        WebhookInfo.of(result)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 10_000, "not JSON"),
        (b"[]", "no result"),
        (b'{"code": 200}', "no result"),
        (b'{"code": "ok", "result": {}}', "not a number"),
        (b'{"code": 401, "result": "the-api-token is wrong"}', "code 401"),
        (b'{"code": 301, "result": {}}', "code 301"),
    ],
)
def test_a_response_that_is_not_printfuls_is_an_error(other: FakePrintful, answer: bytes, problem: str) -> None:
    other.answers = [answer]
    with pytest.raises(Dead, match=problem) as caught:
        client.get_webhook()
    assert TOKEN not in str(caught.value)
    assert len(other.requests) == 1


def test_without_a_token_nothing_is_sent(other: FakePrintful, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch)
    with pytest.raises(Retry, match="Printful's API token is not set"):
        client.get_webhook()
    assert not other.requests


def test_calls_are_paced(other: FakePrintful) -> None:
    client.get_webhook()
    client.get_webhook()
    assert other.slept == [0.5]
    other.now += 0.3
    client.get_webhook()
    assert other.slept == [0.5, pytest.approx(0.2)]
    other.now += 60
    client.get_webhook()
    assert len(other.slept) == 2


@pytest.mark.parametrize("call", [client.get_webhook, client.remove_webhook, lambda: client.set_webhook(INFO)])
def test_a_temporary_failure_is_tried_three_times(other: FakePrintful, call: Any) -> None:
    other.answers = [Retry("HTTP 503", status=503), Retry("no connection"), *other.answers]
    assert call() == INFO
    assert other.slept == [1, 3], "the pauses are longer than the distance between calls"
    other.answers = [Retry("HTTP 503", status=503)]
    with pytest.raises(Retry, match="503"):
        call()
    assert len(other.requests) == 6


def test_printfuls_own_pause_is_observed(other: FakePrintful) -> None:
    other.answers = [Retry("HTTP 429", status=429, after=LONGEST_PAUSE_S), *other.answers]
    assert client.get_webhook() == INFO
    assert other.slept == [LONGEST_PAUSE_S]


def test_a_pause_that_is_too_long_is_an_error(other: FakePrintful) -> None:
    other.answers = [Retry("HTTP 429", status=429, after=LONGEST_PAUSE_S + 1)]
    with pytest.raises(Retry, match="429"):
        client.get_webhook()
    assert (len(other.requests), other.slept) == (1, [])


def test_a_refusal_is_not_repeated(other: FakePrintful) -> None:
    other.answers = [Dead("HTTP 401", status=401)]
    with pytest.raises(Dead, match="401"):
        client.get_webhook()
    assert len(other.requests) == 1


def test_printfuls_own_text_about_a_refused_registration_is_passed_on_without_tokens(other: FakePrintful) -> None:
    said = {"message": f"The URL {URL} of {TOKEN} does not answer.", "reason": "BadRequest", "at": "the-path-token"}
    other.answers = [http.Refusal(400, json.dumps({"code": 400, "error": said}).replace("/", r"\/").encode())]
    with pytest.raises(Dead) as caught:
        client.set_webhook(INFO)
    reason = "HTTP 400: The URL (a URL) of *** does not answer; BadRequest; at: ***"
    assert (caught.value.reason, caught.value.status) == (reason, 400)


def test_a_refusal_that_says_nothing_is_its_status(other: FakePrintful) -> None:
    other.answers = [http.Refusal(401, b"<html>")]
    with pytest.raises(Dead) as caught:
        client.get_webhook()
    assert caught.value.reason == "HTTP 401"
