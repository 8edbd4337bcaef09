"""API Gateway as a WSGI application: it translates between HTTP and the functions' events."""

import base64
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from tests.support import gateway
from tests.support.cloud import Cloud

type Environ = dict[str, Any]


def application(cloud: Cloud) -> Callable[[Environ, Callable[..., Any]], Iterable[bytes]]:
    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        query: dict[str, str] = {}
        for name, value in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True, errors="replace"):
            query[name] = f"{query[name]},{value}" if name in query else value  # as the gateway joins them
        raw = environ.get("REQUEST_URI")  # set by a server: still encoded, so that slashes in an id stay distinct
        path = urlsplit(raw).path if raw else quote(environ["PATH_INFO"].encode("latin-1"), safe="/")
        event = gateway.request(
            environ["REQUEST_METHOD"],
            path,
            headers=headers,
            query=query,
            body=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
            as_base64=True,
        )
        if event["routeKey"] == "$default":  # the gateway has no such route
            start_response("404 Not Found", [("Content-Type", "application/json")])
            return [b'{"message":"Not Found"}']
        found = cloud.call(gateway.function(event), event)
        start_response(f"{found['statusCode']} .", [(name, str(value)) for name, value in found["headers"].items()])
        text: str = found["body"]
        return [base64.b64decode(text) if found.get("isBase64Encoded") else text.encode()]

    return answer
