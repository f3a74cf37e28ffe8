"""Wrong documents by every way in: what each is answered, that none comes in, and that the next one does."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from exports.models import Document
from tests import builders
from tests.house import tree
from tests.journeys.bad_input import ways
from tests.journeys.bad_input.sent import admin, api_form, api_json, command

pytestmark = pytest.mark.usefixtures("organization")

WAYS: dict[str, tuple[ModuleType, Callable[..., ways.Answer], tuple[int, ...]]] = {
    "api_json": (api_json, ways.api_json, (201,)),
    "api_form": (api_form, ways.api_form, (201,)),
    "command": (command, ways.command, (0,)),
    "admin": (admin, ways.admin, (302,)),
}
"""The table, how it is sent, and the status of a document that is taken."""
ROWS = [
    pytest.param(way, case, id=f"{way}: {case.given}") for way, (table, _, _) in WAYS.items() for case in table.TABLE
]


@pytest.fixture(autouse=True)
def queue(organization):
    return builders.queue(ways.QUEUE)


@pytest.mark.parametrize(("way", "case"), ROWS)
def test_a_wrong_document_is_answered_in_these_words_and_the_next_one_comes_in(way, case, tmp_path):
    table, send, taken = WAYS[way]
    (tmp_path / "wrong").mkdir()
    (tmp_path / "good").mkdir()

    answer = send(case.sent, tmp_path / "wrong")

    assert answer == (case.status, case.place, case.told)
    assert Document.objects.count() == case.comes_in
    assert "Traceback" not in answer[2]
    assert str(tree.ROOT) not in answer[2]

    assert send(table.GOOD, tmp_path / "good")[0] in taken
    assert Document.objects.count() == case.comes_in + 1
