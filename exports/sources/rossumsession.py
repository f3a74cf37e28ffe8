"""Calls to Rossum for a source: logged in, once more where the login was forgotten, each answer judged."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings

from exports.wire import rossumclient
from exports.wire.rossumclient import StrangeAnswerError
from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, Rejected, Unavailable, Unconfirmed
from pipelines.transports import answers
from pipelines.transports.http import Reply, Request

if TYPE_CHECKING:
    from exports.sources.pull import Pull
    from exports.sources.rossum import Config

SECONDS = 30.0
FILE_SECONDS = 60.0


class Session:
    """One turn's. Reading is repeated at will; what moves something raises Unconfirmed where no answer came."""

    def __init__(self, pull: Pull, config: Config) -> None:
        self._pull = pull
        self._config = config
        self._token = ""

    def get(self, path: str) -> Any:
        """The JSON; None where there is no such thing."""
        reply = self._read(path, settings.REPLY_BYTES, SECONDS)
        if reply.status == 404:
            return None
        self._check(reply, path)
        return self._json(reply)

    def file(self, path: str) -> tuple[bytes, str] | None:
        """The bytes and their media type. Raises Rejected for one that is too large."""
        reply = self._read(path, settings.MAX_ORIGINAL_BYTES, FILE_SECONDS)
        if reply.status == 404:
            return None
        self._check(reply, path)
        if reply.truncated:
            most = settings.MAX_ORIGINAL_BYTES
            raise Rejected(f"The original has {reply.size:,} bytes; {most:,} are the most.", place="original")
        return reply.body, reply.header("Content-Type") or ""

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Status and JSON of a call that moves something. Raises Unconfirmed where what came of it is not known."""
        given = None if body is None else Blob.of(json.dumps(body).encode(), media_type="application/json")
        reply = self._call(Request(method, self._url(path), body=given, timeout=SECONDS), moves=True)
        if reply.status >= 500:
            raise Unconfirmed(f"{self._host} answered {answers.phrase(reply.status)} to {_shown(path)}.")
        return reply.status, self._json(reply) if reply.body else None

    def _read(self, path: str, cap: int, seconds: float) -> Reply:
        try:
            return self._call(Request("GET", self._url(path), timeout=seconds), cap=cap)
        except Unconfirmed as error:  # reading moves nothing: ask again
            raise Unavailable(error.message) from error

    def _check(self, reply: Reply, path: str) -> None:
        if reply.status == 200:
            return
        said = f"{self._host} answered {answers.phrase(reply.status)} to {_shown(path)}."
        if reply.status >= 500 or reply.status == 408:
            raise Unavailable(said)
        raise Misconfigured(f"{said} {answers.readable(reply)}".strip(), place="config.base_url")

    def _json(self, reply: Reply) -> Any:
        try:
            return json.loads(reply.body)
        except (ValueError, RecursionError):
            raise Unavailable(f"{self._host} answered with no JSON: is this its API?") from None

    def _call(self, request: Request, *, cap: int | None = None, moves: bool = False) -> Reply:
        """With the login, which is made anew once when it is no longer known."""
        reply = self._pull.call(self._signed(request), cap=cap, moves=moves)
        if reply.status == 401:
            if not self._config.username:
                raise Misconfigured(f"{self._host} does not take the token. Give another one.", place="config.token")
            self._pull.tokens.drop(self._name, self._token)
            self._token = ""
            reply = self._pull.call(self._signed(request), cap=cap, moves=moves)
            if reply.status == 401:
                raise Misconfigured(f"{self._host} lets {self._config.username} in, and then does not know them.")
        return reply

    def _signed(self, request: Request) -> Request:
        headers = {**request.headers, "Authorization": f"Bearer {self._current()}", "Accept": "application/json"}
        return Request(
            request.method, request.url, headers, request.body, timeout=request.timeout, idempotency_header=""
        )

    def _current(self) -> str:
        if not self._config.username:
            return self._pull.secret(self._config.token, place="config.token")
        if not self._token:
            self._token = self._pull.tokens.get(self._name) or self._login()
            self._pull.hide("rossum_login", self._token)
        return self._token

    def _login(self) -> str:
        given = {
            "username": self._config.username,
            "password": self._pull.secret(self._config.password, place="config.password"),
        }
        body = Blob.of(json.dumps(given).encode(), media_type="application/json")
        request = Request("POST", self._url("auth/login"), body=body, timeout=SECONDS, idempotency_header="")
        try:
            reply = self._pull.call(request)
        except Unconfirmed as error:
            raise Unavailable(error.message) from error
        if reply.status in {400, 401, 403}:
            message = f"{self._host} refused the login of {self._config.username}: is the password right?"
            raise Misconfigured(message, place="config.username")
        self._check(reply, "auth/login")
        told = self._json(reply)
        key = told.get("key") if isinstance(told, dict) else None
        if not isinstance(key, str) or not key:
            raise Misconfigured(f"{self._host} answered the login without a key: is this Rossum?")
        self._pull.tokens.put(self._name, key, rossumclient.LIFE)
        return key

    @property
    def _name(self) -> str:
        """Of the login among the organization's tokens."""
        password = self._pull.secret(self._config.password, place="config.password")
        told = f"rossum\n{self._config.base_url}\n{self._config.username}\n{password}"
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def _host(self) -> str:
        return str(urlsplit(self._config.base_url).hostname)

    def _url(self, path: str) -> str:
        return f"{self._config.base_url}/{path}"


def _shown(path: str) -> str:
    return path.partition("?")[0]


__all__ = ["Session", "StrangeAnswerError"]
