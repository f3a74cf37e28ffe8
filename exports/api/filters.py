"""What lists can be narrowed by. Several values of one parameter are separated by commas: any of them matches."""

from __future__ import annotations

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Model, QuerySet
from django_filters import rest_framework as filters

from exports import states
from exports.models import Artifact, Delivery, EventDelivery, Exchange, FailureGroup, StageRun
from exports.models.events import STATES
from pipelines import eventing, triggering
from pipelines.models import Channel, Destination, Pipeline, Queue, Revision, Secret, Trigger


class _IdField(forms.IntegerField):
    default_validators = [MinValueValidator(0), MaxValueValidator(2**63 - 1)]


class Id(filters.NumberFilter):
    """One id."""

    field_class = _IdField

    def get_max_validator(self) -> None:
        return None


class Ids(filters.BaseInFilter, Id):
    """Ids, for example `3` or `3,4`."""


class Texts(filters.BaseInFilter, filters.CharFilter):
    """Texts, for example `a` or `a,b`."""


class Choices(filters.BaseInFilter, filters.ChoiceFilter):
    """Values of a fixed list."""


def after(field: str, label: str) -> filters.IsoDateTimeFilter:
    return filters.IsoDateTimeFilter(
        field_name=field, lookup_expr="gte", help_text=f"{label} at or after this (ISO 8601)."
    )


def before(field: str, label: str) -> filters.IsoDateTimeFilter:
    return filters.IsoDateTimeFilter(field_name=field, lookup_expr="lt", help_text=f"{label} before this (ISO 8601).")


class _YesNoField(forms.NullBooleanField):
    def to_python(self, value: object) -> bool | None:  # type: ignore[override]  # as the field has it at run time
        if value in {"true", "false"}:
            return value == "true"
        if value in {None, ""}:
            return None
        raise forms.ValidationError("`true` or `false`.")


class YesNo(filters.BooleanFilter):
    """`true` or `false`; anything else is refused, for it would show too much."""

    field_class = _YesNoField

    def __init__(self, **options: object) -> None:
        super().__init__(widget=forms.TextInput, **options)


class _Filters(filters.FilterSet):
    class Meta:
        model: type[Model]
        fields: list[str] = []


class FailureGroupFilters(_Filters):
    """Of failure group lists."""

    id = Ids(field_name="id", help_text="Ids.")
    state = Choices(choices=states.group_choices, help_text="States.")
    reason = Choices(choices=states.reason_choices, help_text="Why they fail.")
    destination = Ids(field_name="destination_id", help_text="Destinations, by id.")
    pipeline = Ids(field_name="pipeline_id", help_text="Pipelines, by id.")
    stage = Texts(field_name="stage", help_text="The stage that fails.")
    code = Ids(field_name="code", help_text="The status that the other side answered.")
    owner = Texts(field_name="owner__username", help_text="User names.")
    merged_into = Ids(field_name="merged_into_id", help_text="The groups they are merged into, by id.")
    last_seen_after = after("last_seen", "Failed last")
    last_seen_before = before("last_seen", "Failed last")

    class Meta(_Filters.Meta):
        model = FailureGroup


class RunFilters(_Filters):
    """Of run lists."""

    attempt = Ids(field_name="attempt_id", help_text="Attempts, by id.")
    name = Texts(field_name="name", help_text="Stages, by name.")
    kind = Texts(field_name="kind", help_text="Kinds of stage.")
    state = Choices(choices=states.run_choices, help_text="States.")

    class Meta(_Filters.Meta):
        model = StageRun


class ExchangeFilters(_Filters):
    """Of exchange lists."""

    attempt = Ids(field_name="attempt_id", help_text="Attempts, by id.")
    document = Ids(field_name="attempt__document_id", help_text="Documents, by id.")
    run = filters.UUIDFilter(field_name="run_id", help_text="The stage run.")
    purpose = Texts(field_name="purpose", help_text="request, auth, probe, file or robot.")
    status = Ids(field_name="status", help_text="The reply's HTTP status.")
    begun_after = after("begun_at", "Begun")
    begun_before = before("begun_at", "Begun")

    class Meta(_Filters.Meta):
        model = Exchange


class ArtifactFilters(_Filters):
    """Of artifact lists."""

    attempt = Ids(field_name="attempt_id", help_text="Attempts, by id.")
    document = Ids(field_name="attempt__document_id", help_text="Documents, by id.")
    run = filters.UUIDFilter(field_name="run_id", help_text="The stage run.")
    key = Texts(field_name="key", help_text="Reference keys.")
    sha256 = Texts(field_name="sha256", help_text="sha256 in hex.")

    class Meta(_Filters.Meta):
        model = Artifact


class DeliveryFilters(_Filters):
    """Of delivery lists."""

    attempt = Ids(field_name="attempt_id", help_text="Attempts, by id.")
    document = Ids(field_name="attempt__document_id", help_text="Documents, by id.")
    key = Texts(field_name="key", help_text="Reference keys.")
    place = filters.CharFilter(field_name="place", help_text="The full address.")
    delivered_after = after("delivered_at", "Delivered")
    delivered_before = before("delivered_at", "Delivered")

    class Meta(_Filters.Meta):
        model = Delivery


class _Named(_Filters):
    id = Ids(field_name="id", help_text="Ids.")
    name = filters.CharFilter(field_name="name", help_text="The exact name.")


class QueueFilters(_Named):
    """Of queue lists."""

    pipeline = Ids(field_name="pipeline_id", help_text="Pipelines, by id.")
    schema = Ids(field_name="schema_id", help_text="Schemas, by id.")

    class Meta(_Filters.Meta):
        model = Queue


class TriggerFilters(_Named):
    """Of trigger lists."""

    queue = Ids(field_name="queue_id", help_text="Queues, by id.")
    on = Choices(choices=triggering.choices, help_text="What fires it.")
    active = YesNo(field_name="active", help_text="`true` or `false`.")

    class Meta(_Filters.Meta):
        model = Trigger


class PipelineFilters(_Named):
    """Of pipeline lists."""

    class Meta(_Filters.Meta):
        model = Pipeline


class DestinationFilters(_Named):
    """Of destination lists."""

    class Meta(_Filters.Meta):
        model = Destination


class ChannelFilters(_Named):
    """Of channel lists."""

    kind = Choices(choices=eventing.kind_choices, help_text="Kinds.")
    active = YesNo(field_name="active", help_text="`true` or `false`.")

    class Meta(_Filters.Meta):
        model = Channel


class EventDeliveryFilters(_Filters):
    """Of event delivery lists."""

    channel = Ids(field_name="channel_id", help_text="Channels, by id.")
    type = Texts(field_name="type", help_text="Types of event.")
    subject = filters.CharFilter(field_name="subject", help_text='For example "document:12".')
    state = filters.ChoiceFilter(
        choices=[(state, state.capitalize()) for state in STATES], method="in_state", help_text="One state."
    )
    happened_after = after("happened_at", "Happened")
    happened_before = before("happened_at", "Happened")

    class Meta(_Filters.Meta):
        model = EventDelivery

    def in_state(self, rows: QuerySet[EventDelivery], _name: str, state: str) -> QuerySet[EventDelivery]:
        return rows.filter(STATES[state])


class RevisionFilters(_Filters):
    """Of revision lists."""

    pipeline = Ids(field_name="pipeline_id", help_text="Pipelines, by id.")

    class Meta(_Filters.Meta):
        model = Revision


class SecretFilters(_Filters):
    """Of secret lists."""

    name = filters.CharFilter(field_name="name", help_text="The exact name.")
    destination = Ids(field_name="destination_id", help_text="Destinations, by id.")
    pipeline = Ids(field_name="pipeline_id", help_text="Pipelines, by id.")

    class Meta(_Filters.Meta):
        model = Secret


class EventFilters(filters.FilterSet):
    """Of the audit trail."""

    subject = filters.CharFilter(field_name="subject", help_text='For example "attempt:77".')
    actor = filters.CharFilter(field_name="actor", help_text='For example "user:anna".')
    verb = filters.CharFilter(field_name="verb", help_text='For example "attempt.queue".')
    after = after("at", "Happened")
    before = before("at", "Happened")
