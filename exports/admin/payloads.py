"""What a repeat of an attempt sends: rebuilt from today's fields, or exactly what was sent; each with what it means."""

from __future__ import annotations

from exports.admin.asks import Ask, Choice
from exports.models import Attempt, Document
from exports.repeating import Repeat
from exports.states import Reason
from pipelines.models import Revision

SAME, NEWEST, SENT = "same", "newest", "sent"
"""What a repeat sends: rebuilt by the attempt's revision, by the published one, or exactly what was sent."""


def why_not(attempt: Attempt, whole: Repeat) -> str:
    """Why nothing of it can be sent again as it was: from the beginning, or from the stage that failed."""
    if not whole.why_not or attempt.stage not in whole.held:
        return whole.why_not
    return whole.resumed(attempt.stage).why_not and whole.why_not


def ask(
    attempt: Attempt, document: Document, published: Revision | None, exact: str, chosen: str = "", *, late: str = ""
) -> Ask:
    """The choice. `exact` is why nothing can be sent as it was; `chosen` stands where it can be chosen; `late` is the
    stage that the form resumes from, where that one sent nothing."""
    ended, now = attempt.finished_at, document.fields
    changed = ended is not None and now is not None and now.at > ended
    fields = "The fields have changed since." if changed else "The fields are as they were."
    options = [Choice(SAME, f"Rebuilt from today's fields, r{attempt.revision.number}", fields)]
    if published is not None and published.pk != attempt.revision_id:
        told = f"Rebuilt through the published revision, r{published.number}"
        options.append(
            Choice(NEWEST, told, f"{fields} So has the pipeline." if changed else "The pipeline has changed.")
        )
    key = "The same bytes under the same Idempotency-Key; only what lets it in is made afresh. Nothing is rendered."
    key += f" Choose “from the beginning” for it: {late} sent nothing." if late else ""
    options.append(Choice(SENT, "Exactly as it was sent", key, exact))
    newest = attempt.reason == Reason.MISCONFIGURED and len(options) > 2
    usual = NEWEST if newest else SAME
    allowed = {one.value for one in options if not one.why_not}
    return Ask("revision", "What is sent?", "radio", value=chosen if chosen in allowed else usual, options=options,
               help="Try it without sending shows what would be different.")  # fmt: skip
