"""Who may speak to the pretend ERP: tokens handed out for a client's id and secret, short-lived, and an API key."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from demo import bodies
from demo.wire import Request


@dataclass(frozen=True, slots=True)
class Terms:
    """How this ERP is set up. Times are in seconds."""

    client_id: str = "waybill"
    client_secret: str = "pretend-client-secret"
    api_key: str = "pretend-api-key"
    """Opens the CSV intake without OAuth2."""
    token_life: float = 3600
    token_says: float | None = None
    """The expires_in that the token endpoint tells; other than `token_life` it lies, as servers that restart do."""
    forgets_after: int | None = None
    """After that many requests with a live token every token is forgotten, once, as by a restart."""
    slow: float = 3
    """How long the slow answer takes."""
    latency: float = 0
    """Added to every answer of the API, for measurements."""
    faults: bool = True
    """Off: everything that is JSON is booked."""
    open: bool = False
    """On: no token is asked for."""


class Door:
    """The tokens that are alive. A restarted ERP has forgotten them, as real ones do."""

    def __init__(self, terms: Terms, clock: Callable[[], float]) -> None:
        self._terms = terms
        self._clock = clock
        self._tokens: dict[str, float] = {}
        self._admitted = 0

    def grant(self, request: Request) -> tuple[int, dict[str, Any], str]:
        """Status, body and outcome of the client credentials grant (RFC 6749, 4.4): form or JSON, the secret in the
        body or as Basic; also of the plain call with username and password that some systems have instead."""
        given = bodies.form(request)
        name, secret = bodies.basic(request) or (
            given.get("client_id") or given.get("username"),
            given.get("client_secret") or given.get("password"),
        )
        if given.get("grant_type", "client_credentials") not in {"client_credentials", "password"}:
            return 400, {"error": "unsupported_grant_type"}, "bad grant"
        if (name, secret) != (self._terms.client_id, self._terms.client_secret):
            return (
                401,
                {"error": "invalid_client", "error_description": "The client or its secret is wrong."},
                "bad client",
            )
        token = secrets.token_urlsafe(24)
        now = self._clock()
        self._tokens = {known: ends for known, ends in self._tokens.items() if ends > now}
        self._tokens[token] = now + self._terms.token_life
        says = self._terms.token_life if self._terms.token_says is None else self._terms.token_says
        body = {"access_token": token, "token_type": "Bearer", "expires_in": int(says), "scope": given.get("scope", "")}
        return 200, body, "granted"

    def admits(self, request: Request, *, intake: bool) -> bool:
        """Whether the bearer token is alive; the CSV intake is also opened by the API key."""
        if self._terms.open:
            return True
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return False
        if intake and secrets.compare_digest(token.encode(), self._terms.api_key.encode()):
            return True
        if self._tokens.get(token, 0) <= self._clock():
            return False
        self._admitted += 1
        if self._admitted == self._terms.forgets_after:
            self._tokens.clear()
        return True
