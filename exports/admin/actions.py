"""What may be done about a failure now: what each action asks for and where it is posted; where it cannot be, why.

Drawn by templates/admin/exports/actions.html. The verbs decide again when asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from accounts.models import Membership, User
from exports import attempts, cases, repeating
from exports.admin import clientacts, payloads
from exports.admin.asks import NO_RIGHT, Action, Ask
from exports.models import Attempt, Document
from exports.pauses import PAUSABLE, WHY_NOT
from exports.repeating import Fate
from exports.states import ENDED, Reason, Resolution, RunState, State, Status
from pipelines import stages
from pipelines.errors import StageError
from pipelines.models import Destination, Revision

WHY = Ask("why", "Why?", required=True, help="Kept in the audit trail.")


@dataclass(frozen=True, slots=True)
class Scene:
    """What the actions depend on, read once a page."""

    attempt: Attempt
    document: Document
    published: Revision | None
    newest: bool
    back: str
    """Where a press leads back to: document or attempt."""
    stages: Sequence[str]
    reached: Sequence[str]
    """Stages of this attempt that the other side has felt, and whose work is done."""
    destination: Destination | None
    exact: str = ""
    """Why it cannot be sent again exactly as it was; empty where it can."""
    sent: Sequence[str] = ()
    """Stages whose bytes a repeat from the beginning would send again."""


def scene(attempt: Attempt, document: Document, *, newest: bool, back: str) -> Scene:
    """Nine queries at most."""
    attempt.document = document
    try:
        whole = repeating.repeat(attempt, cases.definition_of(attempt.revision_id))
    except StageError as error:
        whole, exact = repeating.Repeat((), {}, {}), str(error)
    else:
        exact = payloads.why_not(attempt, whole) if newest and attempt.state in ENDED else "It has not ended yet."
    steps, runs = whole.steps, whole.runs
    done = {name for name, run in runs.items() if run.state == RunState.FINISHED}
    reached = [step.name for step in steps if _sends(step.kind) and step.name in done]
    at = next((step for step in steps if step.name == attempt.stage and step.destination_id), None)
    at = at or next((step for step in steps if step.destination_id), None)
    destination = Destination.objects.filter(pk=at.destination_id).first() if at else None
    published = attempt.revision.pipeline.published
    return Scene(attempt, document, published, newest, back, [step.name for step in steps], reached, destination, exact,
                 [name for name, fate in whole.fates.items() if fate is Fate.SENT])  # fmt: skip


def risks(scene: Scene) -> list[str]:
    """Why sending it again may reach somebody twice."""
    attempt = scene.attempt
    found = []
    if attempt.state == State.FAILED and attempt.reason == Reason.UNCONFIRMED:
        found.append("Nobody knows whether the last send arrived: sent again, it may be booked twice.")
    if attempt.state == State.SUCCEEDED:
        found.append("It was delivered. Sent again, it may be booked twice.")
    elif scene.reached:
        names = ", ".join(scene.reached)
        told = f"{names} reached the other side already. From the beginning, that is sent a second time"
        found.append(f"{told}; resumed from {attempt.stage or 'the stage that failed'}, it is not.")
    return found


def of(scene: Scene, user: Any, *, sends: str = "") -> list[Action]:
    """Those that can be done first, in the order in which a clerk needs them. `sends` is chosen for a repeat."""
    made = [_requeue(scene, user, sends), _rehearse(scene), *_standing(scene, user), *clientacts.of(scene, user),
            *_under_way(scene, user), *_destination(scene, user)]  # fmt: skip
    return sorted(made, key=lambda action: bool(action.why_not))


def assign(document: Document, user: User, back: str = "document") -> Action:
    """Me, a member, or nobody."""
    members = Membership.objects.filter(organization_id=document.organization_id).select_related("user")
    names = sorted(member.user.get_username() for member in members.order_by("user__username")[:200])
    me = user.get_username()
    choices = [("", "nobody"), *((name, f"{name} (me)" if name == me else name) for name in names)]
    now = document.assignee.get_username() if document.assignee else ""
    return Action(
        "assign",
        "Assign",
        reverse("admin:exports_document_assign", args=[document.pk]),
        f"{now} answers for it." if now else "Nobody answers for it yet.",
        "" if user.has_perm("exports.change_document") else NO_RIGHT,
        (Ask("assignee", "Who answers for it?", "select", value=now or me, choices=choices), _back(back)),
        "Assign",
    )


def _requeue(scene: Scene, user: Any, sends: str) -> Action:
    attempt = scene.attempt
    why_not = "" if user.has_perm("exports.requeue_attempt") else NO_RIGHT
    if attempt.state not in ENDED:
        why_not = "It has not ended yet."
    elif not scene.newest:
        why_not = "A newer attempt of this document exists; repeat that one."
    elif attempt.state == State.FAILED and attempt.reason == Reason.UNCONFIRMED:
        why_not = "Its outcome is unknown: first say whether it arrived."
    elif scene.document.status not in {Status.FAILED_EXPORT, Status.EXPORTED, Status.CONFIRMED, Status.TO_REVIEW}:
        why_not = f"The document is {scene.document.status.replace('_', ' ')}."
    elif not attempts.can_be_sent(attempt, scene.document):
        why_not = attempts.BY_A_ROBOT
    stage = attempt.stage if scene.reached and attempt.stage in scene.stages else ""
    late = stage if stage and stage not in scene.sent else ""
    asks = [
        Ask("why", "Why is it sent again?", required=True, placeholder="for example: the supplier exists now"),
        payloads.ask(scene.attempt, scene.document, scene.published, scene.exact, sends, late=late),
        Ask("resume_from", "From the stage", "select", value=stage, help="What earlier stages did is taken over.",
            choices=[("", "from the beginning"), *((name, name) for name in scene.stages)]),
        _back(scene.back),
    ]  # fmt: skip
    if attempt.state == State.SUCCEEDED:
        told = "It was delivered; I want it sent once more. It may be booked twice."
        asks.insert(1, Ask("although_delivered", told, "check", required=True))
    return Action(
        "requeue",
        "Re-queue",
        reverse("admin:exports_attempt_requeue", args=[attempt.pk]),
        "A new attempt; this one stays as it ended.",
        why_not,
        asks,
        "Send again",
        primary=attempt.state != State.SUCCEEDED,
        danger=attempt.state == State.SUCCEEDED,
        key="r",
    )


def _rehearse(scene: Scene) -> Action:
    gone = scene.document.status in {Status.PURGED, Status.DELETED}
    return Action(
        "rehearse",
        "Try it without sending",
        reverse("admin:exports_attempt_rehearsal", args=[scene.attempt.pk]),
        "Everything is rendered and shown, compared with what was sent; nothing leaves.",
        f"Its document is {scene.document.status}." if gone else "",
        link=True,
    )


def _standing(scene: Scene, user: Any) -> list[Action]:
    """Ignore or take up again, and delivered elsewhere."""
    attempt = scene.attempt
    ignored = attempt.resolution == Resolution.IGNORED
    open_ = attempt.state == State.FAILED and attempt.resolution == ""
    not_open = "" if open_ else "Only an open failure is ignored."
    may = user.has_perm("exports.ignore_attempt")
    back = _back(scene.back)
    if ignored:
        first = Action(
            "heed", "Take up again", reverse("admin:exports_attempt_heed", args=[attempt.pk]),
            "It counts as an open failure again.", "" if may else NO_RIGHT,
            (Ask("why", "Why? (optional)"), back), "Take up again",
        )  # fmt: skip
    else:
        first = Action(
            "ignore", "Ignore", reverse("admin:exports_attempt_ignore", args=[attempt.pk]),
            "Nobody has to act on it; its document stays where it is.", not_open if may else NO_RIGHT,
            (Ask("why", "Comment", required=True, help="What the next person reads."), back), "Ignore it",
        )  # fmt: skip
    not_failed = "" if open_ or ignored else "Only a failure is marked as delivered elsewhere."
    if attempt.reason == Reason.UNCONFIRMED and not not_failed:
        not_failed = "Its outcome is unknown: say whether it arrived instead."
    delivered = Action(
        "delivered", "Delivered elsewhere", reverse("admin:exports_attempt_delivered", args=[attempt.pk]),
        "By hand, by mail: the document counts as exported, this attempt stays failed.",
        not_failed if user.has_perm("exports.settle_attempt") else NO_RIGHT,
        (Ask("reference", "The other side's reference", required=True, placeholder="for example 4711"),
         Ask("why", "How was it delivered?", required=True, help="Kept in the audit trail."), back),
        "It was delivered",
    )  # fmt: skip
    return [first, delivered]


def _under_way(scene: Scene, user: Any) -> list[Action]:
    attempt = scene.attempt
    if attempt.state in ENDED:
        return []
    may = user.has_perm("exports.cancel_attempt")
    url = {name: reverse(f"admin:exports_attempt_{name}", args=[attempt.pk]) for name in ("pause", "resume", "cancel")}
    back = _back(scene.back)
    stuck = "" if attempt.state in PAUSABLE else WHY_NOT.get(State(attempt.state), "")
    hold = (
        Action("resume", "Resume the attempt", url["resume"], "It goes on at once.", "" if may else NO_RIGHT, (back,),
               primary=True)
        if attempt.state == State.PAUSED
        else Action("pause", "Pause the attempt", url["pause"], "Nothing of it is sent until somebody resumes it.",
                    stuck if may else NO_RIGHT, (Ask("why", "Why? (optional)"), back), "Pause the attempt")
    )  # fmt: skip
    held = clientacts.HELD if clientacts.held(attempt) else ""
    cancel = Action("cancel", "Cancel the attempt", url["cancel"], "The document can be exported again then.",
                    held if may else NO_RIGHT, (WHY, back), "Cancel the attempt", danger=True)  # fmt: skip
    return [hold, cancel]


def _destination(scene: Scene, user: Any) -> list[Action]:
    there = scene.destination
    if there is None:
        return []
    may = "" if user.has_perm("pipelines.pause_destination") else NO_RIGHT
    url = reverse("admin:exports_attempt_destination", args=[scene.attempt.pk])
    back = _back(scene.back)
    do = Ask("do", kind="hidden", value="pause" if there.paused_at is None else "resume")
    where = Ask("destination", kind="hidden", value=str(there.pk))
    if there.paused_at is None:
        return [Action("pause_destination", f"Pause {there.name}", url, "Nothing is sent there until it is resumed.",
                       may, (WHY, do, where, back), f"Pause {there.name}")]  # fmt: skip
    why = f": {there.paused_why}" if there.paused_why else ""
    return [Action("resume_destination", f"Resume {there.name}", url, f"It is paused{why}.", may, (do, where, back))]


def _back(to: str) -> Ask:
    return Ask("back", kind="hidden", value=to)


def _sends(kind: str) -> bool:
    try:
        return bool(stages.get(kind).SENDS)
    except KeyError:
        return False
