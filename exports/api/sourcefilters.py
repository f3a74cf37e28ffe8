"""What lists of sources and claims can be narrowed by."""

from __future__ import annotations

import django_filters as filters

from exports.api import filters as of
from exports.models import Claim
from exports.states import claim_choices
from pipelines import sourcing
from pipelines.models import Source


class SourceFilters(of._Named):  # noqa: SLF001
    """Of source lists."""

    kind = of.Choices(choices=sourcing.choices, help_text="Kinds.")
    queue = of.Ids(field_name="queue_id", help_text="Queues, by id.")

    class Meta(of._Filters.Meta):  # noqa: SLF001
        model = Source


class ClaimFilters(of._Filters):  # noqa: SLF001
    """Of claim lists."""

    id = of.Ids(field_name="id", help_text="Ids.")
    source = of.Ids(field_name="source_id", help_text="Sources, by id.")
    document = of.Ids(field_name="document_id", help_text="Documents, by id.")
    state = of.Choices(choices=claim_choices, help_text="States.")
    key = filters.CharFilter(field_name="key", help_text="The exact key at the other side.")

    class Meta(of._Filters.Meta):  # noqa: SLF001
        model = Claim
