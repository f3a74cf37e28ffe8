"""Migrations are complete, and every one of them goes back as well as forth."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

APPS = ("accounts", "audit", "pipelines", "exports")


def test_no_model_has_a_change_without_a_migration(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_no_migration_is_a_way_without_return():
    loader = MigrationLoader(None, ignore_no_migrations=True)

    one_way = [
        f"{app}.{name}: {operation.describe()}"
        for (app, name), migration in loader.disk_migrations.items()
        if app in APPS
        for operation in migration.operations
        if not operation.reversible
    ]

    assert one_way == []


@pytest.mark.django_db(transaction=True)
def test_the_migrations_go_to_zero_and_back():
    executor = MigrationExecutor(connection)
    newest = [node for node in executor.loader.graph.leaf_nodes() if node[0] in APPS]
    try:
        executor.migrate([("exports", None), ("pipelines", None), ("audit", None)])
        left = set(connection.introspection.table_names())
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(newest)
    back = set(connection.introspection.table_names())

    assert not {name for name in left if name.startswith(("exports_", "pipelines_", "audit_"))}
    assert {"exports_attempt", "pipelines_revision", "audit_event"} <= back
