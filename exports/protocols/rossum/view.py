"""What every address of Rossum's protocol shares: who asks, the parameters, the URLs of the answer, lists in pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, Throttled
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import Policy
from accounts.policy import Principal
from accounts.rates import Standing, rates
from exports.api.resource import AlwaysJson
from exports.protocols.rossum import errors
from exports.protocols.rossum.authentication import PROTOCOL, PasswordAuthentication, TokenAuthentication
from exports.protocols.rossum.bodies import AnyJson, UrlForm
from exports.wire.rossum import paging
from exports.wire.rossum.paging import Page
from exports.wire.rossum.parameters import Given, WrongValue
from exports.wire.rossum.urls import Addresses

Shape = Callable[[Sequence[Any]], list[dict[str, Any]]]
"""One page of rows as they stand on the wire; all at once, so that it may look things up for the whole page."""


class View(APIView):
    """`verbs` names for each method, in lower case, what `accounts.policy.may` is asked."""

    schema = None  # the protocol describes itself in Rossum's documentation, not in Waybill's OpenAPI
    authentication_classes = [TokenAuthentication, PasswordAuthentication]
    permission_classes = [Policy]
    renderer_classes = [JSONRenderer]
    parser_classes = [UrlForm, AnyJson]
    content_negotiation_class = AlwaysJson
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    verbs: ClassVar[Mapping[str, str | tuple[str, ...]]] = {}
    _standing: Standing | None = None

    def get_exception_handler(self) -> Any:
        return errors.handler

    def check_permissions(self, request: Request) -> None:
        """A method that the address does not take is a 405 for everybody, also where the view's parent takes it."""
        if (request.method or "").lower() not in self.http_method_names:
            self.http_method_not_allowed(request)
        if isinstance(by := getattr(request, "principal", None), Principal):
            self._count(by)
        super().check_permissions(request)

    def _count(self, by: Principal) -> None:
        """As many requests a minute as the API lets a caller make, counted beside them (accounts/rates.py)."""
        self._standing = rates.spend(by.organization_id, f"{PROTOCOL} {by.name}"[:200])
        if self._standing is not None and not self._standing.allowed:
            detail = f"More than {self._standing.limit} requests within a minute."
            raise Throttled(self._standing.reset, detail)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        for name, text in self._standing.headers.items() if self._standing else ():
            final[name] = text
        return final

    @property
    def principal(self) -> Principal:
        principal = self.request.principal  # type: ignore[attr-defined]  # set by accounts.keys
        assert isinstance(principal, Principal)
        return principal

    @cached_property
    def given(self) -> Given:
        """The parameters of the query."""
        return Given(dict(self.request.query_params.lists()))

    @cached_property
    def at(self) -> Addresses:
        """URLs from the host and the prefix that the client used; behind a trusted proxy, the public ones."""
        return Addresses(self.request.build_absolute_uri(base_path(self.request)))

    def row(self, rows: Any, pk: str | int) -> Any:
        """The row of this organization with this id. Raises NotFound."""
        found = rows.filter(pk=int(pk)).first()
        if found is None:
            raise NotFound
        return found

    def body(self) -> dict[str, Any]:
        """The body as one object; an empty one is an empty object. Raises WrongValue where it is something else."""
        sent = self.request.data
        if isinstance(sent, Mapping):
            return {name: sent[name] for name in sent}
        raise WrongValue("non_field_errors", "The body must be a JSON object.")

    def listed(
        self,
        rows: QuerySet[Any],
        shape: Shape,
        *,
        keys: Mapping[str, str | None] | None = None,
        first: Sequence[str] = ("pk",),
        most: int = paging.MOST,
        beside: Callable[[Sequence[Any]], dict[str, list[Any]]] | None = None,
    ) -> Response:
        """One page of `rows`. `keys` are the names by which a client may order, with their columns; `first` is the
        order where it asks for none; `beside` makes the arrays that stand next to `results`."""
        page = Page.read(self.given, most=most)
        order = [*(ordering(self.given, keys or {}) or first)]
        if not {"pk", "-pk"} & set(order):
            order.append("pk")  # so that a page never repeats what another one has shown
        total = rows.count()
        found = list(rows.order_by(*order)[page.first : page.end])
        body = paging.envelope(shape(found), page=page, total=total, url=self.request.build_absolute_uri())
        return Response({**body, **(beside(found) if beside else {})})


def ordering(given: Given, keys: Mapping[str, str | None]) -> list[str]:
    """Columns for `ordering=key1,-key2`; keys that are unknown are ignored, as Rossum does."""
    found = []
    for word in given.words("ordering"):
        column = keys.get(word.removeprefix("-"))
        if column:
            found.append(f"-{column}" if word.startswith("-") else column)
    return found


def base_path(request: Request) -> str:
    """`/rossum/api/v1` or `/rossum/v1`: what stands before the first collection."""
    before, version, _ = request.path.partition("/v1/")
    return before + version.rstrip("/")
