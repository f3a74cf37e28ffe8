"""What every resource of the API shares: who may, whose rows, which parameters, and one reply a key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts import scope
from accounts.policy import Principal
from accounts.rates import Standing, rates
from exports.api import idempotency, pages
from exports.api.bodies import JsonBody
from exports.api.described import Described
from exports.api.problems import ApiProblem
from exports.replies import ApiReply


class AlwaysJson(BaseContentNegotiation):
    """The API speaks one language; downloads have their own type. Accept decides nothing (RFC 9110, 12.4.1)."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        from rest_framework.utils.mediatypes import media_type_matches

        given = request.content_type or ""
        return next((parser for parser in parsers if media_type_matches(parser.media_type or "", given)), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, first.media_type or ""


class Resource(GenericViewSet):
    """Rows of one kind. `verbs` names, for each action, what `accounts.policy.may` is asked."""

    schema = Described()
    renderer_classes = [JSONRenderer]
    parser_classes = [JsonBody]
    content_negotiation_class = AlwaysJson
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    lookup_value_regex = "[0-9]{1,18}"

    model: ClassVar[type[Model]]
    verbs: ClassVar[Mapping[str, str | tuple[str, ...]]]
    tag: ClassVar[str]
    noun: ClassVar[str]
    open_parameters: ClassVar[tuple[str, ...]] = ()
    """Prefixes of parameters with a free rest, such as `field.`."""
    newest_first: ClassVar[bool] = True
    _claim: ApiReply | None = None
    _standing: Standing | None = None

    @property
    def principal(self) -> Principal:
        principal = self.request.principal  # type: ignore[attr-defined]  # set by accounts.keys
        assert isinstance(principal, Principal)
        return principal

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.rows()
        return rows

    def rows(self) -> Any:
        """This organization's rows, with what the action shows and nothing else."""
        return self.model.objects.all()  # type: ignore[attr-defined]  # every model here is Scoped

    def check_permissions(self, request: Request) -> None:
        if isinstance(principal := getattr(request, "principal", None), Principal):
            self.count(principal)
        if request.user and request.user.is_authenticated and scope.current() is None:
            raise ApiProblem("no_organization", "You are a member of no organization.")
        super().check_permissions(request)

    def count(self, principal: Principal) -> None:
        """Each key and each person has so many requests a minute (WAYBILL_API_REQUESTS)."""
        self._standing = rates.spend(principal.organization_id, principal.name)
        if self._standing is not None and not self._standing.allowed:
            detail = f"{principal.name} has made {self._standing.limit} requests within this minute."
            raise ApiProblem("throttled", detail)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self._claim = self._standing = None
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and self.action is not None:
            self._claim = idempotency.claim(request, self.principal.name)

    def handle_exception(self, exc: Exception) -> Response:
        return exc.response if isinstance(exc, idempotency.Replay) else super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        if self._claim is not None:
            idempotency.settle(self._claim, final)
        for name, text in self._standing.headers.items() if self._standing else ():
            final[name] = text
        return final

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The filters belong to the list; a parameter that nothing reads is refused, for it would show too much."""
        if self.action != "list":
            return queryset
        self.check_parameters(self.request)
        return super().filter_queryset(queryset)

    def parameters(self) -> Iterable[str]:
        """The names of the filters of the list."""
        filters = getattr(self, "filterset_class", None)
        return filters.base_filters if filters else ()

    def check_parameters(self, request: Request) -> None:
        known = {*self.parameters(), *pages.PARAMETERS}
        for name, values in request.query_params.lists():
            if name not in known and not name.startswith(self.open_parameters or ("\0",)):
                near = difflib.get_close_matches(name, sorted(known), n=1)
                hint = f' Did you mean "{near[0]}"?' if near else f" Known are: {', '.join(sorted(known))}."
                message = f'There is no parameter "{name[:60]}".{hint}'
                raise ApiProblem("invalid", message, [{"place": name[:60], "message": message}])
            if values == [""] and name not in pages.PARAMETERS:
                message = f'"{name}" is empty. Give a value, or leave it out.'
                raise ApiProblem("invalid", message, [{"place": name[:60], "message": message}])
            if len(values) > 1:
                message = f'"{name}" is given {len(values)} times. Separate several values by commas.'
                raise ApiProblem("invalid", message, [{"place": name, "message": message}])

    def given(self, request: Request, shape: type[Any]) -> Any:
        """The body, validated."""
        read = shape(data=request.data, context=self.get_serializer_context())
        read.is_valid(raise_exception=True)
        return read.validated_data

    def page(self, rows: QuerySet[Any], shape: type[Any]) -> Response:
        """One page of `rows`, for lists that hang below another row."""
        found = self.paginate_queryset(rows)
        assert found is not None
        return self.get_paginated_response(shape(found, many=True, context=self.get_serializer_context()).data)


class Listed:
    """GET on the collection."""

    def list(self: Any, request: Request, **place: str) -> Response:
        found = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        answer: Response = self.get_paginated_response(self.get_serializer(found, many=True).data)
        return answer


class Shown:
    """GET on one row."""

    def retrieve(self: Any, request: Request, pk: str, **place: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)
