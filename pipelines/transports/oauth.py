"""OAuth2 access tokens: fetched by the stage's `auth`, shared by all workers, renewed once when they are refused.

Standard grants go through requests-oauthlib, whose session sends by `tools.call`, so that guard, pacing and record
hold; every other token call is sent as it is configured.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlencode

from pipelines.blobs import Blob
from pipelines.contract import Tools
from pipelines.errors import Misconfigured, Unavailable, Unconfirmed
from pipelines.transports.answers import decoded, phrase, readable, retry_after
from pipelines.transports.http import Reply, Request

FORM = "application/x-www-form-urlencoded"
PLACE = "config.auth"


@dataclass(frozen=True, slots=True)
class Auth:
    """One token call with every placeholder filled. `data` is an object, or text that is sent as it is."""

    url: str
    method: str
    headers: Mapping[str, str]
    data: Mapping[str, Any] | str | None
    settings: str
    """The settings as configured, secrets still as {secret.x}: canonical JSON."""
    secrets: tuple[str, ...]
    """The values of the secrets named in `settings`."""
    timeout: float = 30.0

    @property
    def name(self) -> str:
        """Whose token it is: a digest of settings and secrets, so that other credentials never share a token."""
        return _name(self.settings, self.secrets)

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers.items() if key.lower() == name), "")


@lru_cache(maxsize=512)
def _name(settings: str, secrets: tuple[str, ...]) -> str:
    # slow on purpose and salted by the settings: the name stands in the database, a short secret must not be guessable
    hidden = hashlib.pbkdf2_hmac("sha256", json.dumps(secrets).encode(), settings.encode(), 50_000)
    return hashlib.sha256(settings.encode() + hidden).hexdigest()


class Token(NamedTuple):
    """An access token, and whether the token endpoint gave it just now; else it is one that workers share."""

    value: str
    fetched: bool


class _Fetching:
    """Who fetches the token of one `auth` in this process: one thread at a time; `rounds` counts how often."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.rounds = 0


_fetching: dict[str, _Fetching] = {}
_fetching_guard = threading.Lock()


def token(auth: Auth, tools: Tools, *, refused: str = "", anew: bool = False) -> Token:
    """An access token other than `refused`: the shared one, or a new one. `anew` takes none that was shared before
    this call.

    Raises Misconfigured where the token endpoint says no, Unavailable where it cannot be reached."""
    if refused:
        tools.tokens.drop(auth.name, refused)
    known = tools.tokens.get(auth.name)
    if known and known != refused and not anew:
        return Token(known, fetched=False)
    with _fetching_guard:
        fetching = _fetching.setdefault(auth.name, _Fetching())
    before = fetching.rounds
    with fetching.lock:
        known = tools.tokens.get(auth.name)
        waited = fetching.rounds != before  # another thread fetched while this one waited: its token is as new
        if known and known != refused and (waited or not anew):
            return Token(known, fetched=waited)
        try:
            fetched = _standard(auth, tools) if _is_standard(auth) else _plain(auth, tools)
        except Unconfirmed as error:  # a token that nobody saw does no harm: asking again is always right
            raise Unavailable(f"No token came: {error.message}", place=PLACE) from error
        value, expires_in = _read(fetched)
        tools.tokens.put(auth.name, value, expires_in)
        fetching.rounds += 1
        return Token(value, fetched=True)


def renewals(auth: Auth, tools: Tools, refused: Callable[[], str]) -> Iterator[str]:
    """Tokens to repeat a request with that was answered 401: one that was fetched, with at most one shared one tried
    before it. Another worker may have shared that long ago, so that it is as old as the refused one."""
    shared = token(auth, tools, refused=refused())
    yield shared.value
    if not shared.fetched:
        yield token(auth, tools, refused=shared.value, anew=True).value


def _read(fetched: Mapping[str, Any]) -> tuple[str, float | None]:
    value = fetched.get("access_token")
    if not isinstance(value, str) or not value.strip():
        names = ", ".join(sorted(map(str, fetched))) or "nothing"
        message = f"The token endpoint's reply has no access_token; it has {names}."
        raise Misconfigured(message, place=PLACE)
    try:
        expires_in = float(fetched["expires_in"])  # some servers send it as text
    except (KeyError, TypeError, ValueError):
        return value, None
    return value, expires_in if expires_in > 0 else None


def _plain(auth: Auth, tools: Tools) -> Mapping[str, Any]:
    """The token call of Rossum's extension: `data` form-encoded, unless Content-Type says JSON."""
    body = None
    if isinstance(auth.data, str):
        body = Blob.of(auth.data.encode(), media_type=auth.header("content-type") or FORM)
    elif auth.data:
        as_json = "json" in auth.header("content-type").lower()
        content = json.dumps(auth.data, ensure_ascii=False) if as_json else form(auth.data)
        body = Blob.of(content.encode(), media_type="application/json" if as_json else FORM)
    headers = {"Accept": "application/json", **auth.headers}
    reply = tools.call(Request(auth.method, auth.url, headers, body, timeout=auth.timeout), purpose="auth")
    _judge(reply, tools)
    return _members(reply)


def _judge(reply: Reply, tools: Tools) -> None:
    if reply.status < 300:
        return
    said = readable(reply)
    told = f"The token endpoint answered {phrase(reply.status)}{': ' + said if said else '.'}"
    if reply.status in {408, 425, 429} or reply.status >= 500:
        raise Unavailable(told, place=PLACE, retry_after=retry_after(reply, tools.now()))
    raise Misconfigured(told, place=PLACE)


def _members(reply: Reply) -> Mapping[str, Any]:
    try:
        read = json.loads(decoded(reply))
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise Misconfigured("The token endpoint's reply is no JSON object.", place=PLACE)
    return read


def form(data: Mapping[str, Any]) -> str:
    """application/x-www-form-urlencoded in UTF-8; a list repeats its name, null is empty, true is `true`."""
    pairs = [
        (key, as_text(item)) for key, value in data.items() for item in (value if isinstance(value, list) else [value])
    ]
    return urlencode(pairs)


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _is_standard(auth: Auth) -> bool:
    """Whether requests-oauthlib says the same as the settings: a form POST of a grant with its standard members."""
    data = auth.data
    if (
        not isinstance(data, Mapping)
        or auth.method.upper() != "POST"
        or not all(isinstance(v, str) for v in data.values())
    ):
        return False
    if auth.header("content-type").partition(";")[0].strip().lower() not in {"", FORM} or auth.header("authorization"):
        return False
    needs = {
        "client_credentials": {"client_id", "client_secret"},
        "password": {"client_id", "username", "password"},
        "refresh_token": {"client_id", "refresh_token"},
    }.get(data.get("grant_type", ""))
    return needs is not None and all(data.get(name) for name in needs) and not data.keys() & _SESSION_WORDS


_SESSION_WORDS = frozenset(
    ["code", "authorization_response", "body", "auth", "method", "timeout", "headers", "verify", "proxies", "cert"]
)
"""Arguments of OAuth2Session's own: a form member of that name would not reach the token endpoint."""


def _standard(auth: Auth, tools: Tools) -> Mapping[str, Any]:
    from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient, OAuth2Error, WebApplicationClient
    from requests_oauthlib import OAuth2Session

    from pipelines.transports.adapter import ALIAS, ToolsAdapter

    assert isinstance(auth.data, Mapping)
    data = dict(auth.data)
    grant, client_id = data.pop("grant_type"), data.pop("client_id")
    scope = data.pop("scope", "") or None
    kind = {"client_credentials": BackendApplicationClient, "password": LegacyApplicationClient}.get(
        grant, WebApplicationClient
    )
    session = OAuth2Session(client=kind(client_id, scope=scope), scope=scope)
    session.trust_env = False
    session.mount("https://", ToolsAdapter(auth, tools, _judge))
    try:
        if grant == "refresh_token":
            fetched = session.refresh_token(ALIAS, headers=dict(auth.headers), client_id=client_id, **data)
        else:
            fetched = session.fetch_token(ALIAS, headers=dict(auth.headers), include_client_id=True, **data)
    except (OAuth2Error, ValueError, TypeError) as error:
        said = getattr(error, "description", "") or str(error)
        raise Misconfigured(f"The token endpoint refused: {said}", place=PLACE) from error
    except Warning as changed:  # a server that grants other scopes than asked: oauthlib raises that as a warning
        fetched = getattr(changed, "token", {})
    return dict(fetched)
