"""The table of problem codes, part of the API's contract (docs/api/errors.md). A code never changes its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem. `advice` says what the caller does next."""

    status: int
    title: str
    advice: str
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


TYPES: dict[str, Kind] = {
    "malformed": Kind(400, "The request could not be read", "Correct the syntax; line and column say where."),
    "invalid": Kind(400, "The request is not valid", "Correct each place that `errors` names."),
    "unauthenticated": Kind(
        401, "Nobody is signed in", "Send `Authorization: Bearer KEY` with a key that is valid now."
    ),
    "forbidden": Kind(403, "Not allowed", "Ask an owner of the organization for a role that may do this."),
    "no_organization": Kind(403, "No organization", "Ask an owner of the organization to make you a member."),
    "not_found": Kind(404, "Not found", "Check the id; rows of other organizations are never found."),
    "method_not_allowed": Kind(405, "Method not allowed", "Use one of the methods that `Allow` lists."),
    "refused": Kind(409, "Not possible now", "Read the subject again: its state does not allow this."),
    "stale": Kind(409, "Changed meanwhile", "Read the newest version, apply the change to it, send it again."),
    "conflict": Kind(409, "It exists already", "Use the existing one, or choose another name."),
    "in_use": Kind(409, "Still in use", "Detach or delete what refers to it first."),
    "in_progress": Kind(
        409, "The same request is running", "Wait a moment, then send it again with the same key.", {"Retry-After": "2"}
    ),
    "purged": Kind(410, "Purged", "Its bytes were erased for good; sizes and digests are still in the records."),
    "precondition_failed": Kind(
        412, "Changed meanwhile", "Read it again for its ETag, apply the change, send it again."
    ),
    "too_large": Kind(413, "Too large", "Send less, or ask the operator to raise the limit."),
    "unsupported_media_type": Kind(415, "Unsupported media type", "Send one of the media types of the reference."),
    "key_reused": Kind(422, "Idempotency-Key reused", "Use a new key for a new request."),
    "not_publishable": Kind(422, "The pipeline has problems", "Correct each stage and path that `errors` names."),
    "rejected": Kind(422, "The content was not accepted", "Correct the field that `errors` names."),
    "misconfigured": Kind(422, "The configuration is wrong", "Correct the pipeline, secret or destination."),
    "precondition_required": Kind(
        428, "Precondition required", "Send If-Match with the ETag that you read, or `version`."
    ),
    "throttled": Kind(429, "Too many requests", "Wait for the seconds of `Retry-After`."),
    "internal": Kind(500, "Internal error", "Tell the operator; the log has the details."),
    "unavailable": Kind(502, "The other system is away", "Nothing was accepted there. Try again later."),
    "unconfirmed": Kind(502, "The outcome is unknown", "Look at the other system before you repeat it."),
    "busy": Kind(503, "Busy", "Nothing was changed; send the same request again.", {"Retry-After": "1"}),
}


def urn(code: str) -> str:
    """The problem's `type`: a name that never depends on where this server is reached."""
    return f"urn:waybill:problem:{code}"
