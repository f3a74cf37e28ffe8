"""Lets a transactional test empty the tables at its end: the trail's triggers step aside for that, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from audit import barriers


def _around(flush: Callable[..., list[str]]) -> Callable[..., list[str]]:
    def sql_flush(self: Any, style: Any, tables: Any, **options: Any) -> list[str]:
        emptied = flush(self, style, tables, **options)
        if not set(barriers.TABLES) & set(tables):
            return emptied
        vendor = self.connection.vendor
        return [*barriers.removals(vendor), *emptied, *barriers.statements(vendor)]

    return sql_flush


@pytest.fixture(autouse=True, scope="session")
def trail_may_be_flushed():
    patch = pytest.MonkeyPatch()
    operations = type(connection.ops)
    patch.setattr(operations, "sql_flush", _around(operations.sql_flush))
    yield
    patch.undo()
