"""ETag and If-Match (RFC 9110, 8.8.3 and 13.1.1): who changes something says which version they read."""

from __future__ import annotations

import re

from rest_framework.request import Request

from exports.api.problems import ApiProblem, wrong

_TAG = re.compile(r'\s*(W/)?"([^"]*)"\s*(?:,|$)')


def etag(version: int) -> str:
    return f'"{version}"'


def expected(request: Request, current: int, *, required: bool = False) -> int | None:
    """The version that the request says it changes, from If-Match or the body's `version`; None where it says none.

    Raises ApiProblem: `precondition_failed`, `stale`, or `precondition_required` where one must be given."""
    match = request.headers.get("If-Match")
    if match is not None:
        tags = _TAG.findall(match)
        if match.strip() != "*" and not tags:
            raise wrong("If-Match", 'If-Match is * or a list of ETags, for example "3".')
        # Strong comparison: a weak tag never matches.
        if match.strip() != "*" and not any(not weak and tag == str(current) for weak, tag in tags):
            detail = f"It is at version {current} now."
            raise ApiProblem("precondition_failed", detail, headers={"ETag": etag(current)}, extra={"version": current})
        return current
    given = request.data.get("version") if isinstance(request.data, dict) else None
    if given is None:
        if required:
            raise ApiProblem("precondition_required", "Say which version this replaces: If-Match, or version.")
        return None
    if not isinstance(given, int) or isinstance(given, bool):
        raise wrong("version", "A version is a whole number.")
    if given != current:
        detail = f"It is at version {current} now, not {given}."
        raise ApiProblem("stale", detail, headers={"ETag": etag(current)}, extra={"version": current})
    return given
