"""What a stage that does not send would make of a document, tried without keeping or sending anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, NoReturn
from uuid import UUID

from django.utils import timezone

from exports import payloads
from exports.cases import Case, blob_of, facts_of, original_of
from exports.models import Document
from pipelines import configs, fields, sandbox, stages
from pipelines.blobs import Blob
from pipelines.contract import Inbox, Outcome, Proof, Sandbox, Store, TokenStore
from pipelines.definition import Definition, StageDraft
from pipelines.errors import Misconfigured
from pipelines.models import Pipeline
from pipelines.transports.http import Reply, Request


class DryTools:
    """contract.Tools with a sandbox and a clock and nothing else: whatever would leave the process is refused."""

    judged_downstream = False
    every_status_counts = False

    def __init__(self) -> None:
        self.sandbox: Sandbox = sandbox.shared()

    @property
    def tokens(self) -> TokenStore:
        return self._nothing_leaves()

    def now(self) -> datetime:
        return timezone.now()

    def sleep(self, seconds: float) -> None:
        """There is nothing to wait for."""

    def secret(self, name: str, *, place: str = "") -> str:  # noqa: ARG002 - the protocol's signature
        return self._nothing_leaves()

    def call(self, request: Request, *, purpose: Literal["request", "auth", "probe"] = "request") -> Reply:  # noqa: ARG002 - likewise
        return self._nothing_leaves()

    def store(self, credentials: Mapping[str, Any]) -> Store:  # noqa: ARG002 - likewise
        return self._nothing_leaves()

    def deliver(self, key: str, blob: Blob, place: str, put: Callable[[], Proof]) -> Proof:  # noqa: ARG002 - likewise
        return self._nothing_leaves()

    def _nothing_leaves(self) -> NoReturn:
        raise Misconfigured("This stage would reach outside, which a preview never does.")


def render(draft: StageDraft, document: Document, *, pipeline: Pipeline) -> Mapping[str, Blob]:
    """The artifacts of a stage as it stands in an editor, by reference key. Raises Misconfigured for a config that
    cannot be read, and whatever the stage raises for this document."""
    module = stages.get(draft.kind)
    parsed = configs.parse(draft.name, module, draft.config)
    if parsed.config is None:
        first = next(problem for problem in parsed.problems if problem.severity == "error")
        raise Misconfigured(first.message, place=first.path)
    if module.SENDS:
        raise Misconfigured(f"A stage of the kind {draft.kind} sends; a preview never does.")
    outcome = module.run(parsed.config, _inbox(draft, document, pipeline), DryTools())
    assert isinstance(outcome, Outcome), "a stage that neither sends nor waits returns its outcome at once"
    return outcome.artifacts


def _inbox(draft: StageDraft, document: Document, pipeline: Pipeline) -> Inbox:
    queue = document.queue
    facts, original = facts_of(document), original_of(document)
    content = fields.Content(document.fields.content if document.fields else [])
    schema = queue.schema.content if queue.schema else []
    case = Case(
        attempt_id=0,
        organization_id=document.organization_id,
        lease=UUID(int=0),
        lineage=0,
        tries=0,
        lapses=0,
        definition=Definition(pipeline.pk, ()),
        document_id=document.pk,
        facts=facts,
        fields=content,
        fields_number=0,
        schema=schema,
        use_confirmed_state=queue.use_confirmed_state,
        original=original,
        artifacts={},
        answer=None,
    )
    attached = document.attachments.select_related("artifact__content")
    return Inbox(
        stage=draft.name,
        document=facts,
        fields=content,
        artifacts={attachment.key: blob_of(attachment.artifact) for attachment in attached},
        original=original,
        schema=schema,
        payload=payloads.Payload(case, content),
    )
