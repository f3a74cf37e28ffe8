"""What lists of subscriptions and pushes can be narrowed by."""

from __future__ import annotations

from exports.api import filters as of  # their bases are for the filters of every list
from exports.models import Push
from pipelines.models import Subscription


class SubscriptionFilters(of._Named):  # noqa: SLF001
    """Of subscription lists."""

    into = of.Ids(field_name="into_id", help_text="Queues that are pushed into, by id.")
    active = of.YesNo(field_name="active", help_text="`true` or `false`.")

    class Meta(of._Filters.Meta):  # noqa: SLF001
        model = Subscription


class PushFilters(of._Filters):  # noqa: SLF001
    """Of push lists."""

    subscription = of.Ids(field_name="subscription_id", help_text="Subscriptions, by id.")
    document = of.Ids(field_name="document_id", help_text="Documents that something happened to, by id.")
    made = of.Ids(field_name="made_id", help_text="Documents that were made, by id.")
    type = of.Texts(field_name="type", help_text="Types of event.")

    class Meta(of._Filters.Meta):  # noqa: SLF001
        model = Push
