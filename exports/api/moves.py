"""What puts a document elsewhere: aside, back, into review, away for good. Part of the resource of documents."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from exports import documents, remedies
from exports.api.described import raises
from exports.api.shapes.documents import DocumentShown
from exports.api.shapes.intake import ReviewAsked
from exports.api.shapes.members import Why, WhyNeeded
from exports.api.shapes.remedies import Assigned
from pipelines.refusals import Refused


class Moves:
    """Mixed into Documents."""

    get_object: Any
    given: Any
    principal: Any
    shown: Any

    @raises("refused")
    @extend_schema(request=Why, responses=DocumentShown)
    @action(detail=True, methods=["post"])
    def send_back(self, request: Request, pk: str) -> Response:
        """Send a document back to review."""
        return self.put_aside(request, documents.send_back)

    @raises("refused")
    @extend_schema(request=Why, responses=DocumentShown)
    @action(detail=True, methods=["post"])
    def postpone(self, request: Request, pk: str) -> Response:
        """Put a document aside until somebody sends it back to review."""
        return self.put_aside(request, documents.postpone)

    @raises("refused")
    @extend_schema(request=Why, responses=DocumentShown)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """Reject a document: it will not be exported unless somebody sends it back to review."""
        return self.put_aside(request, documents.reject)

    @raises("refused")
    @extend_schema(request=ReviewAsked, responses=DocumentShown)
    @action(detail=True, methods=["post"])
    def start_review(self, request: Request, pk: str) -> Response:
        """Take a document in review: `reviewer` says who has it, and nobody else corrects or moves it.

        Who has it already keeps it. Where somebody else does, it is refused, unless `take_over` is true."""
        given = self.given(request, ReviewAsked)
        documents.start_review(self.get_object(), by=self.principal, take_over=given["take_over"])
        return self.shown(self.get_object())  # type: ignore[no-any-return]  # a Response

    @raises("refused")
    @extend_schema(request=Why, responses=DocumentShown)
    @action(detail=True, methods=["post"])
    def cancel_review(self, request: Request, pk: str) -> Response:
        """Leave a review. The document goes back to where it was before; what was corrected stays."""
        return self.put_aside(request, documents.cancel_review)

    @raises("refused")
    @extend_schema(request=Why, responses=DocumentShown)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Bring a deleted document back to review, with all that it had."""
        return self.put_aside(request, documents.restore)

    @raises("refused")
    @extend_schema(request=WhyNeeded, responses=DocumentShown)
    @action(detail=True, methods=["post"])
    def purge(self, request: Request, pk: str) -> Response:
        """Erase a deleted document's content for good: its bytes, field values and messages, its attempts' included.

        Ids, times, sizes, digests, receipts and the audit trail stay."""
        documents.purge(self.get_object(), by=self.principal, why=self.given(request, WhyNeeded)["why"])
        return self.shown(self.get_object())  # type: ignore[no-any-return]  # a Response

    @raises("refused")
    @extend_schema(request=Assigned, responses=DocumentShown)
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Make a member answer for a document, or nobody."""
        name = self.given(request, Assigned)["assignee"]
        to = None if name is None else User.objects.filter(username=name).first()
        if name is not None and to is None:
            raise Refused(f"{name} is not a member of this organization.")
        remedies.assign(self.get_object(), to=to, by=self.principal)
        return self.shown(self.get_object())  # type: ignore[no-any-return]  # a Response

    def put_aside(self, request: Request, verb: Any) -> Response:
        verb(self.get_object(), by=self.principal, why=self.given(request, Why)["why"])
        return self.shown(self.get_object())  # type: ignore[no-any-return]  # a Response
