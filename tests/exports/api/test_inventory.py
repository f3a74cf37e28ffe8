"""Everything that the desk can do has its address in the API: a new admin verb without one fails here."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver

from exports.api.reference import document

OURS = {"accounts", "audit", "exports", "pipelines"}

ADDRESSES = {
    ("pipelines", "queue"): "queues",
    ("pipelines", "schema"): "schemas",
    ("pipelines", "pipeline"): "pipelines",
    ("pipelines", "revision"): "revisions",
    ("pipelines", "destination"): "destinations",
    ("pipelines", "secret"): "secrets",
    ("pipelines", "trigger"): "triggers",
    ("pipelines", "source"): "sources",
    ("pipelines", "channel"): "channels",
    ("pipelines", "subscription"): "subscriptions",
    ("exports", "push"): "pushes",
    ("exports", "document"): "documents",
    ("exports", "attempt"): "attempts",
    ("exports", "job"): "jobs",
    ("exports", "failuregroup"): "failure_groups",
    ("exports", "hint"): "hints",
    ("exports", "alertrule"): "alert_rules",
    ("exports", "alert"): "alerts",
    ("exports", "eventdelivery"): "event_deliveries",
    ("accounts", "membership"): "members",
    ("accounts", "apikey"): "api_keys",
    ("audit", "event"): "audit_events",
}
"""The collection under /api/v1/ of each kind of row that has pages."""

VERBS = {
    "pipelines_queue": {}, "pipelines_schema": {}, "pipelines_trigger": {}, "exports_push": {}, "audit_event": {},
    "pipelines_destination": {
        "test": "destinations/{id}/test", "pause": "destinations/{id}/pause", "resume": "destinations/{id}/resume",
    },
    "exports_breaker": {"close": "destinations/{id}/close_breaker"},
    "pipelines_channel": {
        "test": "channels/{id}/test", "rotate": "channels/{id}/rotate", "enable": "channels/{id}/enable",
        "redeliver": "channels/{id}/redeliver",
    },
    "exports_eventdelivery": {"redeliver": "event_deliveries/{id}/redeliver"},
    "exports_hint": {"move": "hints/{id}/move"},
    "exports_alert": {"acknowledge": "alerts/{id}/acknowledge"},
    "accounts_apikey": {"revoke": "api_keys/{id}/revoke"},
    "exports_job": {"pause": "jobs/{id}/pause", "go_on": "jobs/{id}/go_on", "cancel": "jobs/{id}/cancel"},
}  # fmt: skip
"""The buttons of a kind's pages, by the end of their address, and what does the same over the API."""

ONLY_PEOPLE = {
    ("accounts", "user"): "accounts, passwords and time zones are a person's own, or the operator's",
    ("accounts", "organization"): "made by the operator, by a command",
    ("exports", "breaker"): "has no page: it stands on its destination's",
    ("exports", "extensioncall"): "the log of Rossum's calls; what they did is attempts",
    ("pipelines", "rossumaccount"): "credentials between Rossum and Waybill, typed in once by a person",
}
"""Kinds of rows whose pages do what a robot has no business doing, each with its reason."""


def paths():
    return set(document()["paths"])


def kinds():
    return {
        (model._meta.app_label, model._meta.model_name): page
        for model, page in admin.site._registry.items()
        if model._meta.app_label in OURS
    }


def names(patterns):
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name or ""
        elif isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns)


def test_every_kind_of_row_with_pages_has_a_collection():
    without = sorted(kind for kind in kinds() if kind not in ADDRESSES and kind not in ONLY_PEOPLE)

    assert without == []
    assert sorted(set(ADDRESSES.values()) - {path.split("/")[3] for path in paths()}) == []


def test_what_can_be_added_changed_and_deleted_in_the_desk_can_be_over_the_api():
    described = document()["paths"]
    adding = {name for kind, name in ADDRESSES.items() if kind in kinds() and kind[0] == "pipelines"} - {
        "revisions",
        "secrets",
    }

    for name in sorted(adding | {"hints", "alert_rules", "members"}):
        assert "post" in described[f"/api/v1/{name}"], name
        assert {"patch", "delete"} <= set(described[f"/api/v1/{name}/{{id}}"]), name
    assert {"put", "delete"} <= set(described["/api/v1/secrets/{name}"])


def test_every_button_named_here_has_its_address():
    pages = {f"{app}_{model}": set(names(page.get_urls())) for (app, model), page in kinds().items()}
    missing = [
        (kind, verb)
        for kind, verbs in VERBS.items()
        for verb, address in verbs.items()
        if f"/api/v1/{address}" not in paths()
    ]
    gone = [
        (kind, verb)
        for kind, verbs in VERBS.items()
        for verb in verbs
        if f"{kind}_{verb}" not in pages.get(kind, set())
    ]

    assert missing == []
    assert gone == []


def test_no_page_of_these_has_a_button_without_an_address():
    usual = {"changelist", "add", "history", "delete", "change", "fits", "export", ""}
    others = {
        ("pipelines_destination", "secret"): "secrets",
        ("exports_job", "report"): "jobs/{id}/items",
        ("exports_job", "new"): "jobs",
    }
    found = []
    for (app, model), page in kinds().items():
        kind = f"{app}_{model}"
        if kind not in VERBS:
            continue
        for name in names(page.get_urls()):
            end = name.removeprefix(f"{kind}_")
            if end != name and end not in usual and end not in VERBS[kind] and (kind, end) not in others:
                found.append((kind, end))

    assert found == []


def test_what_is_done_with_documents_and_attempts_has_its_address():
    document_verbs = (
        "confirm", "export", "send_back", "postpone", "reject", "start_review", "cancel_review", "restore", "purge", "assign",
    )  # fmt: skip
    attempt_verbs = (
        "requeue", "cancel", "pause", "resume", "settle", "ignore", "heed", "delivered_elsewhere", "ask",
    )  # fmt: skip
    group_verbs = ("acknowledge", "snooze", "assign", "ignore", "reopen", "merge", "unmerge", "split")
    pipeline_verbs = ("check", "publish", "differences", "return_to")

    for name, verbs in (
        ("documents", document_verbs), ("attempts", attempt_verbs), ("failure_groups", group_verbs),
        ("pipelines", pipeline_verbs),
    ):  # fmt: skip
        assert [verb for verb in verbs if f"/api/v1/{name}/{{id}}/{verb}" not in paths()] == []
