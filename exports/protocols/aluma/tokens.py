"""POST oauth/token: an API key's prefix and the key itself, for a token of a day (RFC 6749, 4.4)."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import accesstokens, keys
from exports.api.problems import ApiProblem
from exports.protocols.aluma import errors
from exports.protocols.aluma.view import PROTOCOL, View, wrong

LIFE = timedelta(hours=24)
MOST = 16 * 1024
"""Bytes of a body that holds two words."""
WRONG = "The client_id and client_secret are not those of a key that is valid now."


class Token(View):
    """The id and the secret as JSON, as a form, or by Basic; `grant_type` may be left out."""

    authentication_classes = []
    permission_classes = []

    def get_authenticate_header(self, request: Request) -> str:
        return 'Basic realm="aluma"'

    def post(self, request: Request) -> Response:
        sent = _body(request)
        basic = _basic(request)
        grant = sent.get("grant_type")
        if grant not in {None, "", "client_credentials"}:
            raise errors.missing("grant_type", 'Only "client_credentials" is known; it may be left out.')
        client_id, secret = basic or (_text(sent, "client_id"), _text(sent, "client_secret"))
        key = keys.find(secret)
        if key is None or key.prefix != client_id.removeprefix("wb_"):
            wrong(request)
            raise AuthenticationFailed(WRONG)
        token = accesstokens.issue(protocol=PROTOCOL, organization_id=key.organization_id, lifetime=LIFE, key=key)
        told = {"access_token": token, "token_type": "Bearer", "expires_in": int(LIFE.total_seconds())}
        return Response(told, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _body(request: Request) -> dict[str, Any]:
    """JSON or a form, by what it looks like: clients of this protocol name the type wrongly, or not at all."""
    raw = request.stream.read(MOST + 1) if request.stream is not None else b""
    if len(raw) > MOST:
        raise ApiProblem("too_large", f"The body may have {MOST:,} bytes.")
    try:
        text = raw.decode("utf-8-sig").strip()
        if text.startswith("{"):
            read = json.loads(text)
            return read if isinstance(read, dict) else {}
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=50))
    except (ValueError, RecursionError):
        message = "The body is neither JSON nor a form."
        raise ApiProblem("malformed", message, [{"place": "body", "message": message}]) from None


def _basic(request: Request) -> tuple[str, str] | None:
    """RFC 6749, 2.3.1: both parts are percent-encoded before they are joined; clients that do not are understood."""
    kind, _, encoded = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise AuthenticationFailed(WRONG) from None
    if not colon:
        raise AuthenticationFailed(WRONG)
    return unquote_plus(client_id), unquote_plus(secret)


def _text(sent: dict[str, Any], name: str) -> str:
    value = sent.get(name)
    if not isinstance(value, str) or not value.strip():
        raise errors.missing(name, f"{name} is missing.")
    return value.strip()
