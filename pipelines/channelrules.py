"""What a channel may be: its name, what it is told of, whom it may reach, and what its address looks like."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from pipelines import destinations, eventing
from pipelines.channelrows import MOST_QUIET, Channel
from pipelines.errors import Misconfigured
from pipelines.models import Destination, Pipeline, Queue
from pipelines.refusals import Refused
from pipelines.transports.http import parsed

MOST_PEOPLE = 20
"""E-mail addresses of one channel."""
LONGEST_ADDRESS = 2000

LIMITS = {"queues": Queue, "pipelines": Pipeline, "destinations": Destination}
"""The columns that narrow what a channel is told of."""


def problems(channel: Channel) -> list[str]:
    """What is wrong with a channel that is about to be saved, each "column: message", for forms and the API too."""
    found = [] if channel.name.strip() else ["name: Give the channel a name."]
    if channel.kind not in eventing.KINDS:
        found.append(f"kind: Choose one of {', '.join(eventing.KINDS)}.")
    found += _of_events(channel.events)
    for column, model in LIMITS.items():
        found += _of_ids(column, model, getattr(channel, column))
    if not 0 <= (channel.quiet_minutes or 0) <= MOST_QUIET:
        found.append(f"quiet_minutes: From 0 to {MOST_QUIET:,}, which is a week.")
    return found + destinations.reach_problems(channel)


def checked(kind: str, address: str) -> tuple[str, str]:
    """(the whole address as it is used, what may be shown of it). Raises Refused."""
    if len(address) > LONGEST_ADDRESS:
        raise Refused(f"address: At most {LONGEST_ADDRESS:,} characters; this has {len(address):,}.")
    if kind == eventing.EMAIL:
        people = ", ".join(mailboxes(address))
        return people, people
    address = address.strip()
    try:
        parsed(address)
    except Misconfigured as error:
        raise Refused(f"address: {error.message}") from error
    if kind in eventing.SEALED_ADDRESS:
        parts = urlsplit(address)
        if parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            raise Refused("address: This address is a secret: it must begin with https://.")
        return address, f"{parts.scheme}://{parts.netloc}/…"
    return address, address


def mailboxes(address: str) -> list[str]:
    """The e-mail addresses of a channel, given with commas, semicolons or line ends between. Raises Refused."""
    people = list(dict.fromkeys(address.replace(";", ",").replace("\n", ",").replace("\r", ",").split(",")))
    people = [person.strip() for person in people if person.strip()]
    if not 0 < len(people) <= MOST_PEOPLE:
        raise Refused(f"address: Name from 1 to {MOST_PEOPLE} e-mail addresses.")
    for person in people:
        try:
            validate_email(person)
        except ValidationError:
            raise Refused(f'address: "{person[:80]}" is no e-mail address.') from None
    return people


def only_of(row: Any) -> list[str]:
    """The names of channels that tell of this queue, pipeline or destination and of no other of its kind: without it
    they would tell of everything, or of nothing."""
    for column, model in LIMITS.items():
        if isinstance(row, model):
            limited = Channel.objects.exclude(**{column: []}).values_list("name", column)
            return [name for name, ids in limited if ids == [row.pk]]
    return []


def _of_events(wanted: Any) -> list[str]:
    if not isinstance(wanted, list) or not all(isinstance(entry, str) for entry in wanted):
        return ["events: This is a list of event types."]
    if not wanted:
        return ["events: Name at least one event type, for example document.export_failed or document.*."]
    return [f'events: "{entry[:80]}" is no event type. See docs/events.md.' for entry in eventing.unknown(wanted)]


def _of_ids(column: str, model: Any, ids: Any) -> list[str]:
    if not isinstance(ids, list) or not all(isinstance(one, int) and not isinstance(one, bool) for one in ids):
        return [f"{column}: This is a list of ids."]
    known = set(model.objects.filter(pk__in=[one for one in ids if 0 < one < 2**63]).values_list("pk", flat=True))
    return [f"{column}: There is no {model._meta.verbose_name} with the id {one}." for one in ids if one not in known]
