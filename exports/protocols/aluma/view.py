"""What every address of Aluma's protocol shares: who asks, the errors, JSON whatever the client accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotFound, Throttled
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import accesstokens, keys, signin
from accounts.models import AccessToken, ApiKey
from accounts.permissions import Policy
from accounts.policy import Principal
from accounts.rates import rates
from exports.api.problems import ApiProblem
from exports.api.resource import AlwaysJson
from exports.clienttasks import Client
from exports.models import ClientTask
from exports.protocols.aluma import errors
from exports.wire import aluma

PROTOCOL = "aluma"
ENDED = "The access token is missing, unknown or expired."


class Bearer(BaseAuthentication):
    """`Authorization: Bearer …` with a token of oauth/token, or with an API key itself."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        kind, _, plain = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        keys.leave(request)  # a session that came along does not count
        if kind.lower() != "bearer":
            return None
        plain = plain.strip()
        if (key := keys.find(plain)) is not None:
            keys.enter(request, Principal.of_key(key))
            return keys.Robot(key), key
        token = accesstokens.find(plain, PROTOCOL)
        if token is None:
            wrong(request)
            raise AuthenticationFailed(ENDED)
        keys.enter(request, accesstokens.principal(token))
        return (token.user if token.key is None else keys.Robot(token.key)), token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="aluma"'


def wrong(request: Request) -> None:
    """Count a wrong secret or token. Raises Throttled where too many came from this address."""
    if wait := signin.wrong_key(signin.address(request)):
        raise Throttled(wait, "Too many wrong credentials came from this address.")


class View(APIView):
    """`verbs` names for each method, in lower case, what `accounts.policy.may` is asked."""

    schema = None  # the protocol is described in Aluma's documentation and docs/protocols/aluma.md
    authentication_classes = [Bearer]
    permission_classes = [Policy]
    renderer_classes = [JSONRenderer]
    parser_classes = []  # bodies are read where there is one, whatever they are called
    content_negotiation_class = AlwaysJson
    http_method_names = ["get", "head", "post", "put"]

    verbs: ClassVar[Mapping[str, str | tuple[str, ...]]] = {}

    def get_exception_handler(self) -> Any:
        return errors.handler

    def check_throttles(self, request: Request) -> None:
        """As many requests a minute as the API lets a caller make, counted beside them (accounts/rates.py)."""
        super().check_throttles(request)
        by = getattr(request, "principal", None)
        standing = rates.spend(by.organization_id, f"{PROTOCOL} {by.name}"[:200]) if by is not None else None
        if standing is not None and not standing.allowed:
            told = f"{standing.limit:,} requests a minute are allowed. Go on in {standing.reset} seconds."
            raise ApiProblem("throttled", told, headers=standing.headers)

    @property
    def client(self) -> Client:
        """Who asks, and by which credential."""
        principal = self.request.principal  # type: ignore[attr-defined]  # set by accounts.keys
        assert isinstance(principal, Principal)
        credential = self.request.auth
        if isinstance(credential, AccessToken):
            return Client(principal, f"token:{credential.pk}")
        return Client(principal, f"key:{credential.pk}" if isinstance(credential, ApiKey) else "")

    def tasks(self) -> Any:
        """Those that whoever asks may see, oldest first."""
        rows = ClientTask.objects.select_related("attempt__document", "attempt__revision__pipeline", "run")
        queues = self.client.by.queues
        return rows if queues is None else rows.filter(attempt__document__queue__in=queues)

    def task(self, wire_id: str) -> ClientTask:
        """Raises NotFound."""
        id_ = aluma.long(wire_id)
        found: ClientTask | None = self.tasks().filter(pk=id_).first() if id_ is not None else None
        if found is None:
            raise NotFound
        return found
