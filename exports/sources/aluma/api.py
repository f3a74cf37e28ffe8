"""Aluma's calls for one turn of a source: one login, a second one after a 401, and what an answer means for the next
step: done, refused, or unknown. Shapes are exports/wire/alumaclient.py's."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import urlencode

from django.conf import settings

from exports import crashpoints
from exports.wire import alumaclient
from exports.wire.alumaclient import Task, UnreadableError
from pipelines.blobs import Blob
from pipelines.errors import Misconfigured, Unavailable, Unconfirmed
from pipelines.transports.http import Reply, Request

if TYPE_CHECKING:
    from exports.sources.pull import Pull

LISTED = 32 * 1024 * 1024
"""Bytes of a list of tasks."""
SPECIFIED = 64 * 1024 * 1024
"""Bytes of an Export Specification: the text of every content file stands in it."""
FETCHING = 900.0
"""Seconds for one file."""
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


class RefusedError(Exception):
    """A 4xx: the other side did not do it, and says why. `code` 404 means that there is no such thing."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(alumaclient.message(reply.body) or f"It answered {reply.status}.")
        self.code = reply.status


class Api:
    """The account of one source. Every call may raise Unavailable, Unconfirmed (it may have been done) and
    Misconfigured (the login does not work)."""

    def __init__(self, pull: Pull) -> None:
        self._pull = pull
        self._config = pull.config
        self.base: str = pull.config.url

    def waiting(self) -> list[Task]:
        """What can be started, in the server's order."""
        reply = self._get(alumaclient.listing(self.base), LISTED)
        try:
            return alumaclient.tasks(reply.body)
        except UnreadableError as error:
            raise Unavailable(str(error)) from error

    def state(self, task_id: str) -> str:
        """Where a task stands; empty where Aluma does not know it (any more)."""
        try:
            reply = self._get(alumaclient.one(self.base, task_id), LISTED)
            return alumaclient.task(reply.body).state
        except RefusedError as refusal:
            if refusal.code == 404:
                return ""
            raise Unavailable(f"Aluma does not say how the task stands: {refusal}") from refusal
        except UnreadableError as error:
            raise Unavailable(str(error)) from error

    def start(self, task_id: str, *, key: str) -> Reply:
        """The Export Specification. Raises RefusedError where somebody else has it, or nobody can."""
        return self._move(task_id, "start", cap=SPECIFIED, key=key)

    def complete(self, task_id: str) -> None:
        self._move(task_id, "complete")

    def cancel(self, task_id: str) -> None:
        self._move(task_id, "cancel")

    def fail(self, task_id: str, message: str) -> None:
        self._move(task_id, "fail", body=json.dumps({"message": message[:2000]}).encode())

    def fetch(self, url: str, into: BinaryIO) -> Reply:
        """A file, written down as it comes. Raises RefusedError."""
        most = settings.MAX_ORIGINAL_BYTES
        reply = self._send("GET", url, cap=most, into=cast("BinaryIO", _Beating(into, self._pull)))
        if reply.truncated:
            message = f"A file has more than {most:,} bytes, which are the most (WAYBILL_MAX_ORIGINAL_BYTES)."
            raise Misconfigured(message)
        crashpoints.reach("after-file")
        return _fine(reply)

    # Below the names of the calls

    def _get(self, url: str, cap: int) -> Reply:
        reply = _fine(self._send("GET", url, cap=cap))
        if reply.truncated:
            raise Unavailable(f"An answer of Aluma has more than {cap:,} bytes, which are the most that is read.")
        return reply

    def _move(self, task_id: str, act: str, *, cap: int = 0, body: bytes | None = None, key: str = "") -> Reply:
        headers = {"Idempotency-Key": key} if key else {}
        sent = None if body is None else Blob.of(body, media_type=JSON)
        url = alumaclient.call(self.base, task_id, act)
        crashpoints.reach(f"before-{act}")
        reply = self._send("PUT", url, cap=cap, body=sent, headers=headers)
        crashpoints.reach(f"after-{act}")
        return _fine(reply)

    def _send(
        self,
        method: str,
        url: str,
        *,
        cap: int = 0,
        body: Blob | None = None,
        headers: dict[str, str] | None = None,
        into: BinaryIO | None = None,
    ) -> Reply:
        for again in (False, True):
            token = self._token()
            given = {"Accept": "*/*" if into else JSON, **(headers or {}), "Authorization": f"Bearer {token}"}
            seconds = FETCHING if into else 60.0
            request = Request(method, url, given, body, timeout=seconds, idempotency_header="")
            reply = self._pull.call(request, cap=cap or None, moves=method == "PUT", into=into)
            if reply.status != 401:
                return reply
            self._pull.tokens.drop(self._name, token)
            if again:
                break
        raise Misconfigured(f"Aluma does not let this client in: {alumaclient.message(reply.body)}", place="config")

    @property
    def _name(self) -> str:
        """Under which the account's token is shared by all workers."""
        told = f"aluma\n{self.base}\n{self._config.client_id}"
        return hashlib.sha256(told.encode()).hexdigest()

    def _token(self) -> str:
        known = self._pull.tokens.get(self._name)
        if known is None:
            known = self._log_in()
        self._pull.hide("access_token", known)
        return known

    def _log_in(self) -> str:
        told = {
            "client_id": self._config.client_id,
            "client_secret": self._pull.secret(self._config.client_secret, place="config.client_secret"),
        }
        if self._config.login == "form":
            body = Blob.of(urlencode({"grant_type": "client_credentials", **told}).encode(), media_type=FORM)
        else:
            body = Blob.of(json.dumps(told).encode(), media_type=JSON)
        request = Request("POST", f"{self.base}/oauth/token", {"Accept": JSON}, body, idempotency_header="")
        try:
            reply = self._pull.call(request)
        except Unconfirmed as error:  # a login may be repeated
            raise Unavailable(str(error)) from error
        if 400 <= reply.status < 500:
            who, said = self._config.client_id, alumaclient.message(reply.body)
            raise Misconfigured(f"Aluma refuses the login of {who}: {said}", place="config.client_id")
        if not 200 <= reply.status < 300:
            raise Unavailable(f"Aluma answered the login with {reply.status}.")
        try:
            token, seconds = alumaclient.token(reply.body)
        except UnreadableError as error:
            raise Misconfigured(str(error), place="config.url") from error
        self._pull.tokens.put(self._name, token, seconds)
        return token


def _fine(reply: Reply) -> Reply:
    """A 2xx. Raises RefusedError for a 4xx, Unconfirmed for all else: nobody knows what was done."""
    if 200 <= reply.status < 300:
        return reply
    if 400 <= reply.status < 500 and reply.status != 408:
        raise RefusedError(reply)
    raise Unconfirmed(f"Aluma answered {reply.status}. {alumaclient.message(reply.body)}".strip())


class _Beating:
    """A file that keeps the turn's lease while it grows: one that takes minutes must not lose the source to another."""

    def __init__(self, file: BinaryIO, pull: Pull) -> None:
        self._file = file
        self._pull = pull

    def write(self, part: bytes) -> int:
        self._pull.beat()
        return self._file.write(part)
