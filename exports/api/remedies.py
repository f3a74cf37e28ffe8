"""What may be done about a failed attempt besides sending it again. Part of the resource of attempts."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from exports import inquiry, remedies
from exports.api.described import raises
from exports.api.shapes.attempts import AttemptRow
from exports.api.shapes.members import Why, WhyNeeded
from exports.api.shapes.remedies import Asked, DeliveredElsewhere


class Remedies:
    """Mixed into Attempts."""

    get_object: Any
    given: Any
    principal: Any
    rows: Any

    @raises("refused")
    @extend_schema(request=WhyNeeded, responses=AttemptRow)
    @action(detail=True, methods=["post"])
    def ignore(self, request: Request, pk: str) -> Response:
        """Set a failed attempt aside with a comment: nobody has to act on it. Its document stays where it is.

        Ignoring twice is ignoring once."""
        remedies.ignore(self.get_object(), by=self.principal, why=self.given(request, WhyNeeded)["why"])
        return self._row(pk)

    @raises("refused")
    @extend_schema(request=Why, responses=AttemptRow)
    @action(detail=True, methods=["post"])
    def heed(self, request: Request, pk: str) -> Response:
        """Take an ignored failure up again."""
        remedies.heed(self.get_object(), by=self.principal, why=self.given(request, Why)["why"])
        return self._row(pk)

    @raises("refused")
    @extend_schema(request=DeliveredElsewhere, responses=AttemptRow)
    @action(detail=True, methods=["post"])
    def delivered_elsewhere(self, request: Request, pk: str) -> Response:
        """Say that the document of a failed attempt reached its goal by another way. The document is exported; the
        attempt stays failed, with the other side's reference. An unknown outcome is settled instead."""
        given = self.given(request, DeliveredElsewhere)
        remedies.delivered_elsewhere(
            self.get_object(), by=self.principal, reference=given["reference"], why=given["why"]
        )
        return self._row(pk)

    @raises("refused")
    @extend_schema(request=None, responses=Asked)
    @action(detail=True, methods=["post"])
    def ask(self, request: Request, pk: str) -> Response:
        """Ask the other side what became of a send whose outcome is unknown, by the probe that its stage names.

        Answers within ten seconds. `arrived` true: it did, and the attempt is settled; false: it did not, and nothing
        is sent again before that is asked for; null: the other side did not say."""
        answer = inquiry.ask(self.get_object(), by=self.principal)
        shown = {"arrived": answer.arrived, "detail": answer.told, "reference": answer.reference}
        return Response(Asked({**shown, "attempt": self.rows().get(pk=pk)}).data)

    def _row(self, pk: str) -> Response:
        return Response(AttemptRow(self.rows().get(pk=pk)).data)
