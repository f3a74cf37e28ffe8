"""Every address under /api/v1/. None ends in a slash."""

from __future__ import annotations

from django.urls import path, re_path
from rest_framework.routers import SimpleRouter

from exports.api.attempts import Attempts, Runs
from exports.api.channels import Channels, EventDeliveries
from exports.api.configuration import Destinations, Queues, Schemas, Secrets, Triggers
from exports.api.documents import Documents
from exports.api.exchanges import Artifacts, Deliveries, Exchanges
from exports.api.failuregroups import FailureGroups
from exports.api.jobs import Jobs
from exports.api.people import Keys, Members
from exports.api.pipelines import Pipelines, Revisions, Stages
from exports.api.records import Events, Me
from exports.api.reference import nowhere, openapi, reference
from exports.api.sources import Claims, Sources
from exports.api.subscriptions import Pushes, Subscriptions
from exports.api.views import Views
from exports.api.watching import AlertRules, Alerts, Hints

router = SimpleRouter(trailing_slash=False)
router.register("documents", Documents, basename="document")
router.register("queues", Queues, basename="queue")
router.register("schemas", Schemas, basename="schema")
router.register("triggers", Triggers, basename="trigger")
router.register("pipelines", Pipelines, basename="pipeline")
router.register(r"pipelines/(?P<pipeline>[0-9]{1,18})/stages", Stages, basename="stage")
router.register("revisions", Revisions, basename="revision")
router.register("destinations", Destinations, basename="destination")
router.register("channels", Channels, basename="channel")
router.register("event_deliveries", EventDeliveries, basename="event_delivery")
router.register("subscriptions", Subscriptions, basename="subscription")
router.register("pushes", Pushes, basename="push")
router.register("hints", Hints, basename="hint")
router.register("alert_rules", AlertRules, basename="alert_rule")
router.register("alerts", Alerts, basename="alert")
router.register("saved_views", Views, basename="saved_view")
router.register("members", Members, basename="member")
router.register("api_keys", Keys, basename="api_key")
router.register("sources", Sources, basename="source")
router.register("claims", Claims, basename="claim")
router.register("attempts", Attempts, basename="attempt")
router.register("failure_groups", FailureGroups, basename="failure_group")
router.register("stage_runs", Runs, basename="stage_run")
router.register("exchanges", Exchanges, basename="exchange")
router.register("artifacts", Artifacts, basename="artifact")
router.register("deliveries", Deliveries, basename="delivery")
router.register("jobs", Jobs, basename="job")
router.register("audit_events", Events, basename="event")

app_name = "api"
urlpatterns = [
    *router.urls,
    path("secrets", Secrets.as_view({"get": "list"}), name="secret-list"),
    re_path(r"^secrets/(?P<name>[^/]{1,100})$", Secrets.as_view({"put": "keep", "delete": "destroy"}), name="secret"),
    path("me", Me.as_view({"get": "show"}), name="me"),
    path("openapi.json", openapi, name="openapi"),
    path("", reference, name="reference"),
    re_path(r".*", nowhere, name="nowhere"),
]
