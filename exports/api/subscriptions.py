"""Subscriptions and what they push."""

from __future__ import annotations

from typing import Any

from exports.api.configuration import Configured, crud
from exports.api.pushfilters import PushFilters, SubscriptionFilters
from exports.api.resource import Listed, Resource, Shown
from exports.api.shapes.subscriptions import PushRow, SubscriptionShape
from exports.models import Push
from pipelines.models import Subscription


class Subscriptions(Configured):
    """A subscription pushes a document's data when something happens to it, through the pipeline of a queue made for
    that: each push is a document of its own, with attempts like any other."""

    model = Subscription
    noun = "subscription"
    tag = "Channels"
    serializer_class = SubscriptionShape
    filterset_class = SubscriptionFilters
    verbs = crud("subscription")


class Pushes(Listed, Shown, Resource):
    """A push is one event of one document, and the document that was made of it."""

    model = Push
    noun = "push"
    tag = "Channels"
    serializer_class = PushRow
    filterset_class = PushFilters
    verbs = dict.fromkeys(("list", "retrieve"), "exports.view_push")

    def rows(self) -> Any:
        return Push.objects.select_related("made").defer("made__metadata", "made__messages")
