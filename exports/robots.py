"""What an outside robot did with documents by itself: fetched them here, exported them elsewhere, and told us how it
ended. Each becomes an attempt that has ended, with one stage run and the robot's own request and our reply.

Many at once cost the same statements as one. Asking twice changes nothing: a document that has arrived already keeps
the attempt it has. Such an attempt belongs to a pipeline that Waybill keeps for it in each organization.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db import transaction

from accounts.policy import Principal, require
from exports import grouping, robotrecords, transitions, versions
from exports.models import Attempt, Document
from exports.robotrecords import KIND, STAGE
from exports.robotrecords import RobotRequest as RobotRequest  # who asks for a verb gives one
from exports.states import ACTIVE, Reason, State, Status
from pipelines import drafts, keepable, publishing
from pipelines.definition import StageDraft
from pipelines.models import Pipeline, Revision
from pipelines.refusals import Refused

PIPELINE = "Exported by a robot"
"""The pipeline's name in each organization; where somebody has taken it, a number follows."""
MESSAGE = 4096
"""Characters kept of a robot's message, as in Rossum's messages."""


def delivered(
    document: Document, *, by: Principal, protocol: str, request: RobotRequest, reference: str = ""
) -> Attempt:
    """A robot exported the document by itself: it is exported now. Of one that is already, its last attempt.

    Raises Refused where it stands elsewhere: only what is confirmed, or whose export failed, can have arrived."""
    made = deliver([document], by=by, protocol=protocol, request=request, reference=reference)
    return made.get(document.pk) or _known(document, Status.EXPORTED)


def refused(document: Document, *, by: Principal, protocol: str, request: RobotRequest, message: str) -> Attempt:
    """A robot could not export the confirmed document: it is at failed_export with the robot's `message`, and can be
    sent back to review from there. Of one that is there already, its last attempt."""
    made = refuse([document], by=by, protocol=protocol, request=request, message=message)
    return made.get(document.pk) or _known(document, Status.FAILED_EXPORT)


def deliver(
    documents: Sequence[Document],
    *,
    by: Principal,
    protocol: str,
    request: RobotRequest,
    reference: str = "",
    sources: Collection[Status] = frozenset({Status.CONFIRMED, Status.FAILED_EXPORT}),
) -> dict[int, Attempt]:
    """`delivered` for many in one transaction: the new attempts by document id. What stood in none of `sources` by
    then is left out; with `to_review` among them, what nobody has confirmed yet is confirmed by it."""
    for document in documents:
        require(by, "exports.export_document", document)
    why = f"Exported by a robot, over the {protocol} protocol."
    ids = [document.pk for document in documents]
    with transaction.atomic():
        if Status.TO_REVIEW in sources:
            for document in documents:
                require(by, "exports.confirm_document", document)
            transitions.move_documents(
                ids, Status.CONFIRMED, by=by, verb="confirm", why=why, sources={Status.TO_REVIEW}
            )
            sources = {Status.CONFIRMED, *sources} - {Status.TO_REVIEW}
        moved = transitions.move_documents(
            _idle(ids), Status.EXPORTED, by=by, verb="finish_export", why=why, sources=sources, messages=[]
        )
        return _keep(moved, State.SUCCEEDED, by=by, why=why, request=request, changes={"reference": reference[:200]})


def refuse(
    documents: Sequence[Document], *, by: Principal, protocol: str, request: RobotRequest, message: str
) -> dict[int, Attempt]:
    """`refused` for many in one transaction: the new attempts by document id."""
    for document in documents:
        require(by, "exports.export_document", document)
    said = keepable.text(message.strip())[:MESSAGE] or "The robot gave no reason."
    why = f"A robot could not export it, over the {protocol} protocol."
    told = [{"type": "error", "content": said, "id": "all", "detail": {"stage": STAGE}}]
    with transaction.atomic():
        moved = transitions.move_documents(
            _idle([document.pk for document in documents]), Status.FAILED_EXPORT, by=by, verb="fail_export",
            why=said[:500], sources={Status.CONFIRMED}, messages=told,
        )  # fmt: skip
        changes = {"reason": Reason.REJECTED, "stage": STAGE, "message": said}
        made = _keep(moved, State.FAILED, by=by, why=why, request=request, changes=changes)
        grouping.find([
            grouping.Failure.of(attempt.pk, attempt.organization_id, {**changes, "http_status": None})
            for attempt in made.values()
        ])  # fmt: skip
    return made


def revision(organization_id: int) -> Revision:
    """The revision whose attempts are robots' own exports: one stage, which waits for a client. Published on first
    use; where somebody made another pipeline of it, a new one is."""
    for number in range(1, 100):
        name = PIPELINE if number == 1 else f"{PIPELINE} {number}"
        if (known := _named(name)) is None:
            try:
                return _publish(name, Principal.system("robots", organization_id))
            except Refused:  # the first report of another robot was faster
                known = _named(name)
        published: Revision | None = known.published if known is not None else None
        if published is not None and _is_ours(published):
            return published
    raise Refused(f'Every name from "{PIPELINE}" to "{PIPELINE} 99" is taken by pipelines of another kind.')


def _named(name: str) -> Pipeline | None:
    found: Pipeline | None = Pipeline.objects.filter(name=name).select_related("published").first()
    return found


def _is_ours(revision: Revision) -> bool:
    stages = revision.definition.get("stages", ())
    return [(stage.get("name"), stage.get("kind")) for stage in stages] == [(STAGE, KIND)]


def _publish(name: str, by: Principal) -> Revision:
    with transaction.atomic():
        pipeline = drafts.create(
            name, by=by, description="What outside robots export by themselves. Waybill keeps it; no queue needs it."
        )
        drafts.save(pipeline, StageDraft(STAGE, KIND), by=by)
        return publishing.publish(pipeline, by=by, note="Made when the first robot reported an export.")


def _idle(ids: Sequence[int]) -> list[int]:
    """Without those whose attempt is under way: its end decides."""
    busy = Attempt.objects.filter(document__in=ids, state__in=sorted(ACTIVE)).values_list("document_id", flat=True)
    return sorted(set(ids) - set(busy))


def _keep(moved: Sequence[int], to: State, *, by: Principal, **values: Any) -> dict[int, Attempt]:
    if not moved:
        return {}
    return robotrecords.keep(moved, to, by=by, revision_id=revision(by.organization_id).pk, **values)


def _known(document: Document, at: Status) -> Attempt:
    """The last attempt of a document that is where the robot wants it; else Refused, saying where it is."""
    now = Document.objects.get(pk=document.pk)
    last: Attempt | None = now.attempts.order_by("-number").first()
    if now.status == at and last is not None:
        return last
    raise Refused(
        f"{versions.named(now)} is {versions.said(now.status)}. A robot reports on what is confirmed; "
        "what is exporting is reported on by its own attempt."
    )
