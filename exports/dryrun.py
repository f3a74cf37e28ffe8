"""What one stage would do for a document, tried without keeping or sending anything: tools that let nothing out.

What would leave the process is written down instead, with the names of secrets where their values would stand; the
values are never read. Driving several stages of a draft lives in `exports/rehearsal.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any, Literal
from urllib.parse import quote, quote_plus

from django.utils import timezone

from pipelines import sandbox
from pipelines.blobs import Blob
from pipelines.contract import Inbox, Outcome, Parked, Proof, Sandbox, Store, TokenStore
from pipelines.errors import Misconfigured
from pipelines.transports import stores
from pipelines.transports.http import Reply, Request

MOST_STEPS = 10_000
"""Of one long stage, before it is left."""


class SentError(Exception):
    """The stage came to the point where its request would leave: as far as a rehearsal goes."""


@dataclass(frozen=True, slots=True)
class Put:
    """A file that would be put somewhere. `place` is its full address without credentials."""

    key: str
    blob: Blob
    place: str


@dataclass(slots=True)
class Tried:
    """What came of trying a stage. `outcome` is None where it ended at its request."""

    outcome: Outcome | None = None
    request: Request | None = None
    puts: list[Put] = field(default_factory=list)
    waits_on: str = ""


def mark(name: str) -> str:
    """What stands for a secret's value."""
    return f"<secret:{name}>"


def unmarked(text: str, names: Sequence[str]) -> str:
    """The text with its marks readable, where an address or a form has them percent-encoded."""
    for name in names:
        for quoted in (quote(mark(name), safe=""), quote_plus(mark(name))):
            text = text.replace(quoted, mark(name))
    return text


class DryTools:
    """contract.Tools with a sandbox and a clock. `secrets` are the names that the stage could look up."""

    judged_downstream = False
    every_status_counts = False

    def __init__(self, tried: Tried, secrets: frozenset[str], credentials: Mapping[str, Any]) -> None:
        self.sandbox: Sandbox = sandbox.shared()
        self.tokens: TokenStore = _NoTokens()
        self._tried = tried
        self._secrets = secrets
        self._credentials = credentials

    def now(self) -> datetime:
        return timezone.now()

    def sleep(self, seconds: float) -> None:
        """There is nothing to wait for."""

    def secret(self, name: str, *, place: str = "") -> str:
        if name not in self._secrets:
            raise Misconfigured(f'There is no secret "{name}" that this stage could look up.', place=place)
        return mark(name)

    def call(self, request: Request, *, purpose: Literal["request", "auth", "probe"] = "request") -> Reply:  # noqa: ARG002 - the protocol's signature
        self._tried.request = request
        raise SentError

    def store(self, credentials: Mapping[str, Any]) -> Store:
        return _Addresses(stores.read({**self._credentials, **credentials}))

    def deliver(self, key: str, blob: Blob, place: str, put: Callable[[], Proof]) -> Proof:  # noqa: ARG002 - likewise; what would put it is never called
        self._tried.puts.append(Put(key, blob, place))
        return Proof(place, blob.size, blob.sha256, "rehearsed")


def attempt(
    module: ModuleType, config: Any, inbox: Inbox, *, secrets: frozenset[str], credentials: Mapping[str, Any]
) -> Tried:
    """Run a stage as far as it goes without the network. Raises what the stage raises."""
    tried = Tried()
    try:
        given = module.run(config, inbox, DryTools(tried, secrets, credentials))
        if isinstance(given, Outcome):
            tried.outcome = given
            return tried
        for _ in range(MOST_STEPS):
            step = next(given)
            if isinstance(step, Parked):
                tried.waits_on = step.on
                return tried
    except StopIteration as end:
        tried.outcome = end.value
    except SentError:
        pass
    return tried


class _NoTokens:
    """Instead of asking for an access token, its name stands where it would."""

    def get(self, name: str) -> str | None:  # noqa: ARG002 - the protocol's signature
        return mark("access_token")

    def put(self, name: str, token: str, expires_in: float | None) -> None:
        """Nothing is kept."""

    def drop(self, name: str, token: str) -> None:
        """Nothing is there."""


class _Addresses:
    """A store that knows where things would go, and is not connected to anything."""

    def __init__(self, credentials: stores.SftpCredentials | stores.S3Credentials | stores.FolderCredentials) -> None:
        self._credentials = credentials

    def address(self, path: str) -> str:
        to = self._credentials
        if isinstance(to, stores.SftpCredentials):
            return f"sftp://{to.host}:{to.port}/{stores.joined(to.base, path).lstrip('/')}"
        if isinstance(to, stores.S3Credentials):
            return f"s3://{to.bucket_name}/{stores.joined(to.base, path).lstrip('/')}"
        return stores.joined(to.path, path)

    def put(self, path: str, blob: Blob, *, replace: bool) -> Proof:  # noqa: ARG002 - likewise
        raise SentError

    def find(self, path: str, blob: Blob) -> Proof | None:  # noqa: ARG002 - likewise
        raise SentError

    def check(self) -> str:
        raise SentError

    def close(self) -> None:
        """Nothing is open."""
