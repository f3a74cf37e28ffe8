"""Looking changes nothing: every address that answers GET is asked, and none of them writes or breaks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.exceptions import NoReverseMatch

from accounts.scope import Scoped
from tests import builders

BOOKKEEPING = re.compile(r'"(django_session|accounts_apikey|accounts_user|accounts_requestcount)"')
"""Sessions, when a key or a person was last seen, and how many requests a caller has made."""
WRITES = re.compile(r"^\s*(INSERT|UPDATE|DELETE|REPLACE|MERGE|TRUNCATE)\b", re.IGNORECASE)


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern, dict[str, Any]]]:
    """(the whole route, the pattern, its converters by name) of every address."""
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, route)
        else:
            yield route, entry, dict(entry.pattern.converters)


def models_named(name: str) -> list[Any]:
    """The models that an address's name speaks of, for example exports_document_change or attempt-detail."""
    return [
        model
        for model in apps.get_models()
        if model._meta.app_label in {"accounts", "audit", "pipelines", "exports"}
        and re.search(rf"(^|[_-]){model._meta.model_name}(_|-|$)", name or "")
    ]


def rows(model: Any) -> list[Any]:
    manager = model.unscoped if issubclass(model, Scoped) else model._default_manager
    return list(manager.all()[:1])


def addresses(route: str, pattern: URLPattern, every_id: list[str]) -> Iterator[str]:
    """The address with its parameters filled in by ids of rows that are there."""
    names = re.findall(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>", route)
    parameters = [first or second for first, second in names]
    if not parameters:
        yield "/" + re.sub(r"[\^$]|\\Z|\\", "", route)
        return
    named = [str(row.pk) for model in models_named(pattern.name or "") for row in rows(model)]
    choices = [["json"] if name == "format" else (named or every_id) for name in parameters]
    for values in product(*choices):
        filled = route
        for value in values:
            filled = re.sub(r"<(?:\w+:)?\w+>|\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", value, filled, count=1)
        yield "/" + re.sub(r"[\^$?]|\\Z|\\", "", filled)


@pytest.fixture
def everything(organization):
    """A row of as many models as the builders make, and a superuser's browser."""
    person = builders.user("root", role="owner", organization=organization, is_superuser=True)
    destination = builders.destination("ERP")
    pipeline = builders.pipeline(
        {"name": "clean", "kind": "purge", "config": {"purge_key_pattern": "x"}, "destination": destination},
        name="Out",
    )
    queue = builders.queue("Invoices", pipeline=pipeline, schema=builders.schema("number"))
    builders.document(queue)
    browser = Client(raise_request_exception=False)
    browser.force_login(person)
    return browser


def test_no_address_changes_anything_when_it_is_looked_at(everything):
    every_id = [str(row.pk) for model in apps.get_models() if issubclass(model, Scoped) for row in rows(model)][:4]
    wrote: list[str] = []
    broke: list[str] = []
    asked = 0

    def watch(execute, sql, params, many, context):
        if WRITES.match(sql) and not BOOKKEEPING.search(sql):
            wrote.append(f"{address}: {sql[:120]}")
        return execute(sql, params, many, context)

    for route, pattern, _ in patterns(get_resolver()):
        for address in dict.fromkeys(addresses(route, pattern, every_id)):
            with connection.execute_wrapper(watch):
                try:
                    answer = everything.get(address)
                except NoReverseMatch as error:
                    broke.append(f"{address}: {error}")
                    continue
            asked += 1
            if answer.status_code >= 500:
                broke.append(f"{address}: {answer.status_code}")
            if answer.streaming:
                b"".join(answer.streaming_content)

    assert (wrote, broke) == ([], [])
    assert asked > 40, "the walk did not find the addresses"
