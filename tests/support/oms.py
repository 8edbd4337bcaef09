"""The OMS's simulator behind `http.request`, without a network, with faults."""

from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask
from requests.exceptions import ReadTimeout
from urllib3 import HTTPResponse

from local.simulators.base import observed
from local.simulators.oms import make_app
from tests.support.cloud import PARAMETERS, SECRETS


class FakeOms:
    """Takes the place of `_Session.send`.

    `faults` are the results of the next requests: an HTTP status or an error (the request is not processed), or `lost`
    (the request is processed, but no response arrives). None is no fault.
    """

    def __init__(self) -> None:
        self.app: Flask = observed(make_app(SECRETS["OmsApiSecret"], PARAMETERS["OmsStoreId"]))
        self.faults: list[int | BaseException | str | None] = []
        self.calls: list[tuple[str, str]] = []

    def send(self, prepared: requests.PreparedRequest, **_: Any) -> requests.Response:
        path = urlsplit(str(prepared.url)).path
        self.calls.append((str(prepared.method), path))
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, BaseException):
            raise fault
        if isinstance(fault, int):
            return _response(fault, b'{"message": "as requested"}')
        body: Any = prepared.body  # a large one is sent in pieces
        content = body.read() if hasattr(body, "read") else body
        answer = self.app.test_client().open(
            path, method=str(prepared.method), headers=dict(prepared.headers), data=content
        )
        if fault == "lost":
            raise ReadTimeout
        return _response(answer.status_code, answer.data)

    def printed(self) -> dict[str, int]:
        """The quantities that it would have printed, by our item ids."""
        return self.ask("/_printed")  # type: ignore[no-any-return]

    def ask(self, path: str, **body: Any) -> Any:
        """Use one of its control routes."""
        client = self.app.test_client()
        return client.post(path, json=body).json if body else client.get(path).json

    def orders(self) -> list[dict[str, Any]]:
        return self.ask("/_orders")  # type: ignore[no-any-return]


def _response(status: int, body: bytes) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.raw = HTTPResponse(body=BytesIO(body), status=status, preload_content=False)
    return response
