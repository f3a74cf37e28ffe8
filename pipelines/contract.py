"""What a stage kind is given and what it gives back. Pure: no Django, no clock, no network of its own.

A stage kind is a module in `pipelines/stages/` with five names: SENDS, Config, reads, writes, run (docs/stages/).
One that sends may have a sixth, `resend(config, inbox, tools, sent)`: what `run` does, with the bytes of `sent` (each
`Sent` in its order) in place of what today's fields give; a kind without it cannot repeat what it sent byte for byte.
It sees its `Inbox`, works through `Tools`, and returns an `Outcome`; the runner in `exports/` does all the writing.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict

from pipelines.blobs import Blob
from pipelines.fields import Content, Operation
from pipelines.transports.http import Part, Reply, Request


class StageConfig(BaseModel):
    """The closed base of every kind's config: unknown keys are refused, values never change after parsing.

    The text below an option is its description in the JSON Schema: the form, the API and the docs show it."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


def _not_blank(text: str) -> str:
    if not text.strip():
        message = "This is blank: fill it in."
        raise ValueError(message)
    return text


Filled = Annotated[str, AfterValidator(_not_blank)]
"""An option's text that may not be blank."""


class Recovery(enum.StrEnum):
    """What happens to a send whose end nobody saw (docs/operate/engine.md)."""

    ASK = "ask"
    """A person, or the config's probe, looks at the other side first."""
    VERIFY = "verify"
    """The stage compares size and hash at the far end, then goes on."""
    IDEMPOTENT = "idempotent"
    """The other side honours our Idempotency-Key: the same bytes are sent again."""


MessageType = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Message:
    """One line for a person. An `error` fails the attempt as rejected, once every stage that can run has run."""

    type: MessageType
    content: str
    field: str = ""
    """The schema id of the field it speaks of; empty means the whole document."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of a stage did. `artifacts` are by reference key; `operations` change the document's fields."""

    messages: Sequence[Message] = ()
    operations: Sequence[Operation] = ()
    artifacts: Mapping[str, Blob] = field(default_factory=lambda: MappingProxyType({}))
    detach: Sequence[str] = ()
    """Reference keys to detach from the document (the purge stage)."""
    skipped: str = ""
    """Why nothing was done, for example "condition @{api_gate} is empty"; empty when the stage did its work."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long stage is; kept, never acted on. `total` is None while it is not known."""

    done: int
    total: int | None = None
    unit: str = "rows"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Resume from here after a crash: committed with the artifacts so far, handed back as `Inbox.checkpoint`."""

    state: Mapping[str, Any]
    artifacts: Mapping[str, Blob] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Parked:
    """Wait for somebody outside (a client, a receipt, a poll). The attempt leaves the worker until it is woken or
    `deadline` passes; then `run` is called again with `state` as its checkpoint and the answer in `Inbox.answer`."""

    on: str
    deadline: datetime
    state: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


Steps = Generator[Progress | Checkpoint | Parked, None, Outcome]
"""What the `run` of a long stage is: a generator. A short stage just returns its Outcome."""


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What templates and placeholders may know of the document besides its fields."""

    id: int
    external_id: str
    file_name: str
    media_type: str
    status: str
    queue_id: int
    queue_name: str
    created_at: datetime
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    automated: bool = False


RECEIVED = "received."
"""How the reference keys of files begin that came with a document: received.1.2 is the second file of its first part.
No stage writes such a key, and no purge takes one away."""


@dataclass(frozen=True, slots=True)
class Received:
    """A file that came with a document, beside its original (docs/documents.md)."""

    key: str
    """Its reference key: `received.`, the part of the delivery that it came in and its place there, from 1."""
    folder: str
    """Where the sender wants it: relative, forward slashes, may be empty. Checked, as the blob's name is."""
    blob: Blob
    text: bool = False
    """It is text (UTF-8, lines ended by a line feed): its newlines may be changed."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """All that one run of a stage sees."""

    stage: str
    document: DocumentFacts
    fields: Content
    """The captured fields with every earlier stage's operations applied."""
    artifacts: Mapping[str, Blob]
    """By reference key: everything attached to the document now, earlier stages' output included."""
    original: Blob | None = None
    schema: Sequence[Mapping[str, Any]] = ()
    """The queue's schema: sections as Rossum's schemas have them; empty when the queue has none."""
    received: Sequence[Received] = ()
    """Files that came with the document; `artifacts` has them too, under their keys."""
    attempt_id: int = 0
    checkpoint: Mapping[str, Any] | None = None
    answer: Mapping[str, Any] | None = None
    """What the outside client or receipt said, after Parked."""
    repeats: bool = False
    """An earlier run of this stage left its mark without an end, and the rule is verify: look at the far end first."""
    payload: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Rossum's hook payload without secrets and token, as templates read it."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That a file is at its place, and how we know."""

    place: str
    """The full address without credentials, for example sftp://host:22/in/a.csv."""
    size: int
    sha256: str
    how: str
    """For example "size compared after rename" or "hash read back"."""
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Sent:
    """One request or file that an earlier attempt sent, whole, to be sent once more byte for byte."""

    method: str
    url: str
    """Where it went; of a file its place."""
    headers: Sequence[tuple[str, str]] = ()
    """As they are kept: what let it in is hidden (pipelines/redaction.py), and is made afresh."""
    body: Blob | None = None
    parts: Sequence[Part] = ()
    idempotency_key: str = ""
    key: str = ""
    """Of a file: its reference key, where something names it."""


class TokenStore(Protocol):
    """OAuth2 tokens shared by every worker, encrypted at rest. `name` identifies the auth settings by digest."""

    def get(self, name: str) -> str | None: ...
    def put(self, name: str, token: str, expires_in: float | None) -> None: ...
    def drop(self, name: str, token: str) -> None:
        """Forget `token`, unless a newer one is already there."""
        ...


class Sandbox(Protocol):
    """The child process with limits on memory, time and output. Errors name the line (pipelines/sandbox/)."""

    def render(self, template: str, variables: Mapping[str, Any], *, original: Blob | None = None) -> str: ...
    def extract(self, rules: Sequence[Mapping[str, Any]], source: bytes, *, format: str) -> list[Any]: ...  # noqa: A002 - the config calls it so


class Tools(Protocol):
    """The world, handed to a stage: everything that leaves the process or asks the time goes through here."""

    sandbox: Sandbox
    tokens: TokenStore
    judged_downstream: bool
    """An evaluate stage runs after this one: the reply's status is data (docs/stages/evaluate.md)."""
    every_status_counts: bool
    """The pipeline keeps Rossum's rule: without a resolver even 500 is success (docs/stages/rest_api.md)."""

    def now(self) -> datetime: ...
    def sleep(self, seconds: float) -> None: ...

    def secret(self, name: str, *, place: str = "") -> str:
        """The plain value, looked up at the stage's destination, then its pipeline, then the organization.

        Raises Misconfigured naming the secret when there is none. Whatever is returned is redacted wherever kept."""
        ...

    def call(self, request: Request, *, purpose: Literal["request", "auth", "probe"] = "request") -> Reply:
        """Send one HTTP request through the guard, paced, and keep both sides as an Exchange.

        A "request" leaves its committed mark before the socket opens and carries the Idempotency-Key header.
        Raises Unavailable when nothing was accepted and Unconfirmed when the body left and no answer came;
        a reply of any status is returned."""
        ...

    def store(self, credentials: Mapping[str, Any]) -> Store:
        """The file store that these credentials name: sftp, s3 or folder, behind the guard."""
        ...

    def deliver(self, key: str, blob: Blob, place: str, put: Callable[[], Proof]) -> Proof:
        """Run `put` between two committed marks and keep its proof as a Delivery of artifact `key` at `place`.

        Done once an attempt: when this attempt already holds the proof for this key and place, it is returned."""
        ...


class Store(Protocol):
    """A way out for files. Paths are relative to the store's base and already cleaned."""

    def address(self, path: str) -> str:
        """The full place for people and receipts, without credentials."""
        ...

    def put(self, path: str, blob: Blob, *, replace: bool) -> Proof:
        """Write under a temporary name, then rename. An existing file at `path`: byte-identical is success, else
        replaced when `replace`, else Rejected. Raises Unavailable, Unconfirmed, Misconfigured."""
        ...

    def find(self, path: str, blob: Blob) -> Proof | None:
        """Proof that `path` already holds exactly `blob`; None when it is not there or differs."""
        ...

    def check(self) -> str:
        """The "test connection" button: log in, write, read and remove a probe file; returns what was seen."""
        ...

    def close(self) -> None: ...
