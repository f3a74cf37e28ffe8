"""Aluma's export tasks: each is started, brought here whole, exported by the queue's pipeline, and completed there.

Every task that was started ends as completed, cancelled or failed. A task that was given back waits here until it may
be taken again; one whose delivery nobody saw end is not taken again before somebody knows (docs/sources/aluma.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from exports.sources.aluma import bringing, telling
from exports.sources.aluma.api import Api
from exports.sources.contract import Outcome, Polled, SourceConfig
from exports.states import ClaimState, Status
from exports.wire import alumaclient
from exports.wire.alumaclient import STARTABLE, Task
from pipelines import sourcing
from pipelines.errors import Misconfigured, Unavailable, Unconfirmed

if TYPE_CHECKING:
    from exports.models import Claim
    from exports.sources.pull import Pull

POLLS = True
RATE = 10.0
"""Aluma names no number; this is what its neighbours bear."""
REPORTS = frozenset(Outcome)


class Config(SourceConfig):
    """Where the account is, who logs in, and how patient Waybill is."""

    url: str = "https://api.aluma.io"
    """The API's address."""
    client_id: str = Field(min_length=1)
    """The API client that logs in."""
    client_secret: str = Field("aluma_client_secret", min_length=1)
    """Name of the secret that holds the client's secret."""
    login: Literal["json", "form"] = "json"
    """How the login is sent: as JSON, or as a form, which older installations want."""
    projects: tuple[str, ...] = ()
    """Take only tasks of these projects, by name or id; without any, of all that the client sees."""
    minutes: int = Field(30, ge=2, le=24 * 60)
    """How long Aluma waits for a started task before it offers it again."""
    margin_minutes: int = Field(5, ge=1, le=60)
    """A task that is not exported this long before the end of that time is given back."""
    first_delay_seconds: int = Field(60, ge=1, le=24 * 3600)
    """A task that was given back is taken again after this; each further time it takes twice as long."""
    longest_delay_seconds: int = Field(3600, ge=1, le=7 * 24 * 3600)
    """The longest such wait."""
    max_tries: int = Field(8, ge=1, le=1000)
    """After so many tries a task is left at Aluma, and blocked here until a person says what to do."""
    on_fatal: Literal["fail", "leave"] = "fail"
    """What happens to a task that no further try would help: `fail` ends it at Aluma, which deletes its data there;
    `leave` gives it back and blocks it here."""

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")) or "?" in url or "#" in url:
            raise ValueError("This is an address such as https://api.aluma.io.")
        return url.rstrip("/")

    @field_validator("margin_minutes")
    @classmethod
    def _within(cls, margin: int, given: Any) -> int:
        if margin >= given.data.get("minutes", margin + 1):
            raise ValueError("This leaves no time: it must be less than minutes.")
        return margin


def check(config: Config, pull: Pull) -> str:  # noqa: ARG001 - the signature of every kind
    _check_source(pull)
    tasks = _mine(pull, _listed(Api(pull)))
    first = f' The first is "{tasks[0].name}" of {tasks[0].project_name}.' if tasks else ""
    return f"Logged in. {len(tasks)} task{'' if len(tasks) == 1 else 's'} can be exported.{first}"


def poll(pull: Pull) -> Polled:
    """Claim what can be started, in the server's order; pass over what waits here for its next try."""
    _check_source(pull)
    telling.give_back_late(pull)
    tasks = _mine(pull, _listed(Api(pull)))
    known = pull.known([task.id for task in tasks])
    taken = sum(_take(pull, task, known.get(task.id)) for task in tasks)
    times = [at for task in tasks if (at := alumaclient.created(task)) is not None]
    lag = (pull.now() - min(times)).total_seconds() if times else None
    return Polled(found=len(tasks), taken=taken, busy=taken > 0, lag=lag)


def fetch(pull: Pull, claim: Claim) -> None:
    bringing.fetch(pull, Api(pull), claim)


def report(pull: Pull, claims: Sequence[Claim]) -> None:
    api = Api(pull)
    for claim in claims:
        try:
            telling.tell(pull, api, claim)
        except Unconfirmed as error:  # each word may be said twice
            pull.later(claim, str(error))


def leave(pull: Pull) -> None:
    """The last worker stops: nothing is left hanging at Aluma."""
    telling.give_all_back(pull)


def _check_source(pull: Pull) -> None:
    if pull.source.arrives != sourcing.EXPORT:
        message = "Aluma waits half an hour for a task: its documents must be exported at once, not wait for a person."
        raise Misconfigured(message, place="arrives")
    if pull.source.slowest_seconds > pull.config.margin_minutes * 60:
        message = "Looks must not be rarer than margin_minutes: they also find what must be given back in time."
        raise Misconfigured(message, place="slowest_seconds")


def _listed(api: Api) -> list[Task]:
    try:
        return [task for task in api.waiting() if task.state == STARTABLE and task.client_action == "export"]
    except Unconfirmed as error:  # looking changes nothing
        raise Unavailable(str(error)) from error


def _mine(pull: Pull, tasks: Sequence[Task]) -> list[Task]:
    wanted = pull.config.projects
    return [task for task in tasks if not wanted or task.project_name in wanted or task.project_id in wanted]


def _take(pull: Pull, task: Task, claim: Claim | None) -> bool:
    """Whether there is something to do for it now."""
    facts: dict[str, Any] = {"name": task.name, "project": task.project_id, "project_name": task.project_name}
    facts |= {"created_at": task.created_at, "documents": task.documents_count}
    if claim is None:
        return pull.claim(task.id, facts=facts) is not None
    if claim.state == ClaimState.REPORTED:
        return _offered_again(pull, claim)
    if claim.state != ClaimState.RELEASED or claim.not_before > pull.now():
        return False
    if claim.document is not None and claim.document.status == Status.EXPORTING:
        return False
    kept = {name: claim.facts[name] for name in ("failures",) if name in claim.facts}
    return pull.claim(task.id, facts={**facts, **kept}, again=True) is not None


def _offered_again(pull: Pull, claim: Claim) -> bool:
    """Aluma was told how it ended, and offers it all the same: it is told once more, nothing is exported again."""
    times = claim.facts.get("told_again", 0)
    if times >= pull.config.max_tries or claim.changed_at > pull.now() - timedelta(seconds=10):
        return False
    pull.mark(claim, told_again=times + 1, held=False)
    pull.tell_again(claim)
    return True
