"""The path of a webhook in one process: this module does what the stream, Lambda's queue and SQS do in AWS."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

from pressroom.partners import BY_ID
from pressroom.platform import config
from tests.support import gateway, template
from tests.support.cloud import SECRETS, Cloud, is_dispatched
from tests.support.oms import FakeOms
from tests.support.samples import body, sample

DELIVERERS = ("CamaloonQueue", "OmsQueue", "StorefrontQueue")
QUEUES = {
    "CamaloonQueue": "deliver/camaloon",
    "OmsQueue": "deliver/oms",
    "StorefrontQueue": "deliver/storefront",
    "PrintFilesQueue": "print_files",
}
"""The queues, and the functions that they feed."""


class Listener:
    """A partner in the place of `http.post`.

    `answers` are its next responses: an HTTP status, or an error to raise; 200 if empty.
    """

    def __init__(self) -> None:
        self.answers: list[int | BaseException] = []
        self.requests: list[tuple[str, bytes, dict[str, str]]] = []

    def post(self, url: str, content: bytes, headers: dict[str, str]) -> int:
        self.requests.append((url, content, headers))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, BaseException):
            raise answer
        return answer


class FakeCamaloon(Listener):
    """Camaloon, which receives paid orders."""


class FakeShop(Listener):
    """The merchant's shop, which receives notifications and verifies them with the public package."""

    URL = "https://shop.example/pressroom"
    SECRET = SECRETS["StorefrontNotificationsSecret"]

    def notifications(self, order_id: str = "1001") -> list[dict[str, Any]]:
        """The notifications about an order, one entry per request, including refused ones."""
        return [each for each in self.received() if each["data"].get("order", {}).get("id") == order_id]

    def of_products(self) -> list[dict[str, Any]]:
        """The notifications about products, likewise."""
        return [each for each in self.received() if "product" in each["data"]]

    def received(self) -> list[dict[str, Any]]:
        """All notifications, each with its signature verified."""
        found = []
        for _, content, headers in self.requests:
            # Its `verify` wants a timestamp of the real clock; the e2e tests and the simulator let it do that.
            sent_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
            genuine = Webhook(self.SECRET).sign(headers["webhook-id"], sent_at, content.decode())
            assert genuine in headers["webhook-signature"].split(" ")
            found.append(json.loads(content))
        return found

    def types(self, order_id: str = "1001") -> list[str]:
        return [notice["type"] for notice in self.notifications(order_id)]


class Hub:
    """Pressroom in one process."""

    def __init__(self, cloud: Cloud, camaloon: FakeCamaloon, shop: FakeShop, oms: FakeOms) -> None:
        self.cloud = cloud
        self.camaloon = camaloon
        self.shop = shop
        self.oms = oms
        self.retained: list[dict[str, Any]] = []
        """Messages that a function has received but not finished."""
        self._seen = 0

    def receive(self, provider: str, topic: str, content: Any, *, secret: str = "") -> dict[str, Any]:
        """Post a genuine webhook; return the response with its body read. Some contents hold the topic."""
        secret = secret or SECRETS[template.camel(provider) + "Secret"]
        if provider == "cloudprinter":
            event = gateway.cloudprinter(content, secret)
        elif BY_ID[provider].credential == "token":
            event = gateway.tokened(provider, content, secret)
        else:
            raw = content if isinstance(content, bytes) else body(content)
            event = gateway.webhook(provider, topic, raw, secret)
        return read(self.cloud.call(f"receive/{provider}", event))

    def send_sample(self, name: str, **changes: Any) -> dict[str, Any]:
        """Receive a sample such as `printful/package_shipped`, with some fields changed, and process everything."""
        provider, _, topic = name.partition("/")
        answer = self.receive(provider, topic.partition("__")[0], sample(name) | changes)
        self.settle()
        return answer

    def pump(self) -> Any:
        """Give pump the rows that were inserted since the last time."""
        return self.pump_again(filter(is_dispatched, self.unseen()))

    def unseen(self) -> list[dict[str, Any]]:
        """Return the stream's new records, and skip them, so that pump does not get them."""
        records = self.cloud.changes(self._seen)
        self._seen += len(records)
        return records

    def pump_again(self, records: Iterable[dict[str, Any]]) -> Any:
        batch = list(records)
        return self.cloud.call("pump", {"Records": batch}) if batch else {"batchItemFailures": []}

    def run_topics(self) -> int:
        """Run the topics that were invoked; return how many."""
        invoked, self.cloud.lambda_.waiting = self.cloud.lambda_.waiting, []
        for name, payload in invoked:
            self.run_topic(name, payload)
        return len(invoked)

    def run_topic(self, name: str, payload: dict[str, Any]) -> None:
        provider, topic = name.removeprefix(f"{template.STACK}-").split("-", 1)
        self.cloud.call(f"{provider}/{topic}", payload)

    def deliver(self) -> None:
        """Make one attempt at each visible message in the destinations' queues."""
        for queue in DELIVERERS:
            self.work(queue)

    def work(self, queue: str) -> None:
        """Give the messages that are visible in a queue to its function."""
        url = self.cloud.url(queue)
        while found := self.cloud.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1).get("Messages"):
            self._attempt({**found[0], "count": 1, "queue": queue})

    def deliver_again(self) -> None:
        """Make every hidden message visible, and make one more attempt at each."""
        again, self.retained = self.retained, []
        for message in again:
            self._attempt({**message, "count": message["count"] + 1})

    def _attempt(self, message: dict[str, Any]) -> None:
        queue = message["queue"]
        answer = self.cloud.call(QUEUES[queue], {"Records": [sqs_record(message)]})
        if answer["batchItemFailures"]:
            self.retained.append(message)
        else:
            self.cloud.sqs.delete_message(QueueUrl=self.cloud.url(queue), ReceiptHandle=message["ReceiptHandle"])

    def settle(self) -> None:
        """Let everything happen that can happen without time passing."""
        while True:
            before = self._seen
            self.pump()
            ran = self.run_topics()
            self.deliver()
            if not ran and self._seen == before:
                return

    def get(self, path: str, *, token: str = SECRETS["OpsTokenSecret"], **query: str) -> dict[str, Any]:
        """Call the ops API; return the response with its body read."""
        return self._ask("GET", path, token, query)

    def post(self, path: str, content: Any = None, *, token: str = SECRETS["OpsTokenSecret"]) -> dict[str, Any]:
        return self._ask("POST", path, token, {}, b"" if content is None else body(content))

    def _ask(self, method: str, path: str, token: str, query: dict[str, str], content: bytes = b"") -> dict[str, Any]:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        event = gateway.request(method, path, headers=headers, query=query, body=content)
        return read(self.cloud.call(gateway.function(event), event))

    def order(self, order_id: str = "1001") -> dict[str, Any]:
        """The order as the ops API shows it."""
        answer = self.get(f"/orders/{order_id}")
        assert answer["statusCode"] == 200, answer
        shown: dict[str, Any] = answer["body"]
        return shown

    def event(self, event_id: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.get(f"/events/{event_id}")["body"]
        return shown


def read(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"body": json.loads(answer["body"])}


def sqs_record(message: dict[str, Any]) -> dict[str, Any]:
    """A message as Lambda gives it to a function."""
    return {
        "messageId": message.get("MessageId", hashlib.sha256(message["Body"].encode()).hexdigest()),
        "receiptHandle": message.get("ReceiptHandle", ""),
        "body": message["Body"],
        "attributes": {
            "ApproximateReceiveCount": str(message.get("count", 1)),
            "SentTimestamp": str(message.get("sent", int(config.utcnow().timestamp() * 1000))),
            "MessageGroupId": "group",
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "awsRegion": "us-east-1",
    }
