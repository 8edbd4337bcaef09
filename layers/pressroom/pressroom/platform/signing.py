"""Signatures over the exact bytes of a body. No I/O, standard library only."""

import base64
import hashlib
import hmac
from collections.abc import Iterable


def camaloon_signature(secret: str, body: bytes) -> str:
    """Sign a body as Camaloon does, in either direction.

    Base64, with padding, of the raw 32-byte HMAC-SHA256; the key is the text of the store's API secret, never decoded
    (Camaloon API v1, "Webhook headers"; a known result is in tests/unit/platform/test_signing.py).
    """
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def is_camaloon_signature(given: object, body: bytes, secrets: Iterable[str]) -> bool:
    """Return whether `given` is the signature of `body` under one of the active secrets.

    | given                                              | result |
    |----------------------------------------------------|--------|
    | the signature under any secret that is not empty   | True   |
    | the same, repeated ("a,a"), cut, padded, re-cased  | False  |
    | absent, empty, not text, not ASCII, lone surrogate | False  |
    | any value while no secret is set                   | False  |

    Never raises. Takes the same time whichever secret matches: all are compared, as bytes.
    """
    return _is_one_of(given, [camaloon_signature(secret, body) for secret in secrets if secret])


def standard_signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Sign a webhook as in Standard Webhooks: `v1,` and the base64 of the HMAC-SHA256 of `<id>.<timestamp>.<body>`.

    The key is the base64 decoding of the secret, which may begin with `whsec_`. `timestamp` is in Unix seconds. Raises
    ValueError for a secret that is empty or not base64.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    if not key:
        raise ValueError("an empty key")
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def is_token(given: object, tokens: Iterable[str]) -> bool:
    """Return whether `given` is one of the active tokens, in constant time; an empty token never matches."""
    return _is_one_of(given, [token for token in tokens if token])


def _is_one_of(given: object, expected: list[str]) -> bool:
    presented = given.encode("utf-8", "surrogatepass") if isinstance(given, str) else b""
    genuine = False
    for value in expected:
        genuine |= hmac.compare_digest(value.encode(), presented)
    return genuine
