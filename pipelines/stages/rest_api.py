"""The REST API stage: one HTTP request about a document, its reply kept and judged (docs/stages/rest_api.md).

Lives here: when to send, how often, and what the reply means. How the request is put together lives in
`pipelines/transports/calls.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from pipelines import conditions
from pipelines.blobs import Blob
from pipelines.contract import Checkpoint, Inbox, Message, Outcome, Proof, Recovery, Sent, StageConfig, Steps, Tools
from pipelines.errors import Misconfigured, Rejected, StageError, Unavailable, Unconfirmed
from pipelines.problems import PlacedError
from pipelines.transports import answers, oauth, repeated
from pipelines.transports.calls import AuthBlock, ProbeRequestBlock, RequestBlock, authentication, compose
from pipelines.transports.http import Reply
from pipelines.transports.placeholders import Filling, known

SENDS = True
RECOVERY = Recovery.ASK

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing at the other side (RFC 9110, 9.2.1): sending again is always right."""
UNKNOWN = frozenset({500, 502, 504})
TRIES = 3
LONGEST_WAIT = 10.0
"""Seconds that `mode: retry` waits inside the stage; a longer Retry-After is left to the attempt's own retries."""


class StatusCodeResolver(StageConfig):
    """What statuses mean. Those in neither list are judged as without a resolver."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    error: frozenset[int] = frozenset()
    """Statuses that fail the export; the reply's body is the message."""
    warning: frozenset[int] = frozenset()
    """Statuses that are a success with a warning; the reply's body is the message."""


class Probe(StageConfig):
    """How to ask the other side whether a send arrived whose answer nobody saw."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    request: ProbeRequestBlock
    """The question, usually a GET."""
    found: frozenset[int] | str = frozenset({200})
    """Statuses that say it is there; or an expression over `status`, `body`, `headers` and `field`."""

    @field_validator("found")
    @classmethod
    def _readable(cls, found: frozenset[int] | str) -> frozenset[int] | str:
        if isinstance(found, str):
            from pipelines import expressions

            try:
                expressions.parse(found)
            except Misconfigured as error:
                raise ValueError(error.message) from error
        return found


class Config(StageConfig):
    """What one REST API stage sends, and how it takes the answer."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    export_reference_key: str | None = Field(None, min_length=1)
    """The artifact to send: what `#{file_content}` stands for."""
    request: RequestBlock
    """The request."""
    auth: AuthBlock | None = None
    """Fetches an OAuth2 access token first, and again when it is refused."""
    condition: str | bool | None = None
    """Nothing is sent where this is empty or `false` after filling."""
    mode: Literal["wait", "retry"] = "wait"
    """`wait` for a slow answer (55 s), or a short time (10 s) and up to three tries."""
    status_code_resolver: StatusCodeResolver | None = None
    """Which statuses fail the export or warn."""
    response_headers_reference_key: str | None = Field(None, min_length=1)
    """Keeps the reply's status and headers as JSON under this key."""
    response_payload_reference_key: str | None = Field(None, min_length=1)
    """Keeps the reply's body under this key."""
    timeout_s: float | None = Field(None, gt=0, le=3600)
    """Seconds for one exchange, instead of the mode's own."""
    retry_on: frozenset[int] = frozenset({429, 503})
    """Statuses that mean nothing was accepted: the same request is sent again later."""
    recovery: Literal[Recovery.ASK, Recovery.IDEMPOTENT] = Recovery.ASK
    """After a send whose answer nobody saw: `ask` a person, or send again because the other side honours our
    idempotency key (`idempotent`)."""
    idempotency_header: str = Field("Idempotency-Key", pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]*$")
    """The header that carries the key; empty sends none."""
    probe: Probe | None = None
    """How to find out whether a send arrived."""

    @model_validator(mode="after")
    def _whole(self) -> Config:
        headers, payload = self.response_headers_reference_key, self.response_payload_reference_key
        if headers is not None and headers == payload:
            message = f'Headers and payload of the reply cannot both be kept under "{headers}".'
            raise PlacedError(message, "response_payload_reference_key")
        if not self.export_reference_key and any("#{file_content}" in text for text in self.request.texts()):
            raise PlacedError("#{file_content} is the artifact of export_reference_key: name one.", "request")
        resolver = self.status_code_resolver
        if resolver and (both := sorted(resolver.error & resolver.warning)):
            raise PlacedError(f"{both[0]} is an error here and a warning: choose one.", "status_code_resolver")
        if self.recovery is Recovery.IDEMPOTENT and not self.idempotency_header:
            raise PlacedError("The recovery idempotent needs a header for the key: name one.", "idempotency_header")
        return self


def reads(config: Config) -> frozenset[str]:
    return frozenset({config.export_reference_key} if config.export_reference_key else ())


def writes(config: Config) -> frozenset[str]:
    keys = (config.response_headers_reference_key, config.response_payload_reference_key)
    return frozenset(key for key in keys if key)


def run(config: Config, inbox: Inbox, tools: Tools) -> Outcome | Steps:
    """Send, keep, judge. Raises StageError; an `error` of the resolver is a message of the outcome."""
    return resend(config, inbox, tools, ())


def resend(config: Config, inbox: Inbox, tools: Tools, sent: Sequence[Sent]) -> Outcome | Steps:
    """The same with the last of `sent`, where there is one; the condition and the reply are judged anew."""
    if why := conditions.skip_reason(config.condition, inbox.fields, extra=known(inbox)):
        return Outcome(skipped=why)
    reply = _Call(config, inbox, tools, sent[-1] if sent else None).send()
    artifacts = answers.documents(
        reply, headers=config.response_headers_reference_key, payload=config.response_payload_reference_key
    )
    try:
        messages = _judge(config, reply, tools)
    except (Rejected, Unconfirmed, Misconfigured) as error:
        if not artifacts:
            raise
        return _keep_and_raise(artifacts, error)
    if reply.truncated and config.response_payload_reference_key:
        told = f"Only the first {len(reply.body):,} bytes of the reply were kept."
        messages = (*messages, Message("warning", told))
    return Outcome(messages=messages, artifacts=artifacts)


def probe(config: Config, inbox: Inbox, tools: Tools) -> Proof | None:
    """Whether the document is at the other side: the proof, or None where the other side says it is not there.

    Raises Misconfigured without a `probe` in the config, Unavailable where the other side does not say."""
    if config.probe is None:
        raise Misconfigured("This stage has no probe to ask the other side with.", place="config.probe")
    call = _Call(config, inbox, tools)
    reply, url = call.ask(config.probe.request)
    if not answers.holds(config.probe.found, reply, inbox.fields, place="config.probe.found"):
        return None
    digest = hashlib.sha256(reply.body).hexdigest()
    how = f"{config.probe.request.method} answered {answers.phrase(reply.status)}"
    return Proof(url, reply.size, digest, how, {"status": reply.status})


class _Call:
    """One stage's conversation with the other side."""

    def __init__(self, config: Config, inbox: Inbox, tools: Tools, again: Sent | None = None) -> None:
        self._config = config
        self._tools = tools
        self._again = again
        self._token = ""
        key = config.export_reference_key or ""
        self._timeout = config.timeout_s or (10.0 if config.mode == "retry" else 55.0)
        self._plain = Filling(inbox, tools, key=key)
        self._filling = Filling(inbox, tools, key=key, token=self._fetched if config.auth else None)

    def send(self) -> Reply:
        """The reply that counts, after what `mode: retry` tries by itself."""
        tries = TRIES if self._config.mode == "retry" else 1
        again = self._config.retry_on | (UNKNOWN if self._harmless else frozenset())
        for number in range(1, tries):
            try:
                reply = self._once()
            except Unavailable as error:
                wait = error.retry_after
                if wait is not None and wait > LONGEST_WAIT:
                    raise
            else:
                if reply.status not in again:
                    return reply
                wait = answers.retry_after(reply, self._tools.now())
                if wait is not None and wait > LONGEST_WAIT:
                    return reply
            self._tools.sleep(min(number, LONGEST_WAIT) if wait is None else wait)
        return self._once()

    def ask(self, block: ProbeRequestBlock) -> tuple[Reply, str]:
        """The probe's reply and its URL. Raises Unavailable where it says nothing about the document."""
        try:
            reply, url = self._authorized(block, "probe")
        except Unconfirmed as error:
            raise Unavailable(f"The probe got no answer: {error.message}", place="config.probe") from error
        if reply.status in {401, 403, 408, 425, 429} or reply.status >= 500:
            told = f"The probe was answered {answers.phrase(reply.status)}, which does not say whether it arrived."
            raise Unavailable(told, place="config.probe", retry_after=answers.retry_after(reply, self._tools.now()))
        return reply, url

    @cached_property
    def _harmless(self) -> bool:
        return self._config.request.method in SAFE or self._config.recovery is Recovery.IDEMPOTENT

    def _once(self) -> Reply:
        try:
            return self._authorized(self._config.request, "request")[0]
        except Unconfirmed as error:
            if not self._harmless:
                raise
            raise Unavailable(f"{error.message} It is sent again, which does no harm here.") from error

    def _authorized(self, block: RequestBlock, purpose: Literal["request", "probe"]) -> tuple[Reply, str]:
        """One send; where it is answered 401 and there is an `auth`, again with a new token."""
        reply, url = self._sent(block, purpose)
        renewals = oauth.renewals(self._auth, self._tools, self._fetched) if self._auth else iter(())
        while reply.status == 401 and (renewed := next(renewals, "")):
            self._token = renewed
            reply, url = self._sent(block, purpose)
        return reply, url

    def _sent(self, block: RequestBlock, purpose: Literal["request", "probe"]) -> tuple[Reply, str]:
        config = self._config
        if self._again is not None and purpose == "request":
            request = repeated.compose(
                self._again, block, self._filling,
                bearer=config.auth is not None, timeout=self._timeout, idempotency_header=config.idempotency_header,
            )  # fmt: skip
            return self._tools.call(request, purpose=purpose), request.url
        request = compose(
            block,
            self._filling,
            has_key=bool(config.export_reference_key),
            bearer=config.auth is not None,
            timeout=self._timeout,
            idempotency_header=config.idempotency_header,
        )
        return self._tools.call(request, purpose=purpose), request.url

    @cached_property
    def _auth(self) -> oauth.Auth | None:
        block = self._config.auth
        return None if block is None else authentication(block, self._plain, min(self._timeout, 30.0))

    def _fetched(self) -> str:
        if not self._token:
            assert self._auth is not None
            self._token = oauth.token(self._auth, self._tools).value
        return self._token


def _keep_and_raise(artifacts: Mapping[str, Blob], error: StageError) -> Steps:
    """The reply's documents are kept before the stage fails, so that they can be inspected."""
    yield Checkpoint({}, artifacts)
    raise error


def _judge(config: Config, reply: Reply, tools: Tools) -> tuple[Message, ...]:
    status = reply.status
    resolver = config.status_code_resolver
    if resolver is not None and status in resolver.error | resolver.warning:
        said = answers.decoded(reply).strip()[: answers.MESSAGE]
        text = said or f"The other side answered {answers.phrase(status)} and said nothing."
        return (Message("error" if status in resolver.error else "warning", text),)
    if tools.every_status_counts or (status < 300 and status not in config.retry_on):
        return ()
    said = answers.readable(reply)
    told = f"The other side answered {answers.phrase(status)}{': ' + said if said else ''}"
    whole = told if told.endswith((".", "!", "?")) else f"{told}."
    if status in config.retry_on or (status in {408, 425} and not tools.judged_downstream):
        raise Unavailable(whole, retry_after=answers.retry_after(reply, tools.now()))
    if tools.judged_downstream:
        return ()
    if status < 400:
        to = f" It names {reply.header('Location')}." if reply.header("Location") else ""
        message = f"{whole} Redirects are not followed: put the address that answers into the config.{to}"
        raise Misconfigured(message, place="config.request.url")
    if status < 500 or status in {501, 505}:
        raise Rejected(told)
    if config.request.method in SAFE or config.recovery is Recovery.IDEMPOTENT:
        raise Unavailable(whole, retry_after=answers.retry_after(reply, tools.now()))
    raise Unconfirmed(f"{whole} Whether it took the document is unknown.")
