"""Signatures of the Standard Webhooks specification (v1: HMAC-SHA256): makes secrets, signs and checks; pure.

The receiver computes the same over `id.timestamp.body` with the secret that it was given (docs/events.md).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
BYTES = 32
LEAST, MOST = 24, 64
"""Bytes that the specification allows a secret to have."""


def new_secret() -> str:
    """A random secret as people copy it: whsec_ and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The bytes of a secret. Raises ValueError where it is none."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or not LEAST <= len(key) <= MOST:
        raise ValueError(f"A signing secret is {PREFIX} and {LEAST} to {MOST} bytes in base64.")
    return key


def headers(secret_texts: Sequence[str], *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message; `timestamp` in Unix seconds. One signature a secret, the newest first, so that a
    receiver that knows either accepts it while the secret is being changed."""
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.new(key_of(secret), content, hashlib.sha256).digest()).decode()
        for secret in secret_texts
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def holds(secret_texts: Sequence[str], *, message_id: str, timestamp: int, body: bytes, given: str) -> bool:
    """Whether one of the signatures in `given`, separated by spaces, is one of ours. Each is compared in constant
    time."""
    ours = headers(secret_texts, message_id=message_id, timestamp=timestamp, body=body)["webhook-signature"].split(" ")
    theirs = [one for one in given.split(" ") if one.startswith("v1,")][:20]
    return any(hmac.compare_digest(mine.encode(), one.encode()) for mine in ours for one in theirs)
