"""Documents that a published pipeline cannot export, through the real engine against real receivers on loopback."""

from __future__ import annotations

import pytest

from exports.states import State
from tests.house import tree
from tests.journeys.bad_input import site as sites
from tests.journeys.bad_input.cases import Run
from tests.journeys.bad_input.runs import calls, files, judging

pytestmark = pytest.mark.usefixtures("organization")

TABLES: dict[str, tuple[Run, ...]] = {
    "purge": files.PURGE,
    "template": files.TEMPLATE,
    "rest_api": calls.REST_API,
    "extract": judging.EXTRACT,
    "evaluate": judging.EVALUATE,
    "file_storage": files.FILE_STORAGE,
}
ROWS = [pytest.param(case, id=f"{kind}: {case.given}") for kind, cases in TABLES.items() for case in cases]

INNOCENT = Run("nothing wrong", calls.calls(), "", "", "", "")


@pytest.fixture(scope="module")
def receivers(tmp_path_factory):
    with sites.running(tmp_path_factory.mktemp("receivers")) as running:
        yield running


@pytest.fixture
def site(receivers, settings):
    settings.FOLDER_ROOTS = [receivers.root]
    return receivers


@pytest.mark.parametrize("case", ROWS)
def test_a_document_that_cannot_be_exported_says_why_and_the_next_one_goes(site, case):
    attempt = sites.export(site, case)

    assert sites.told(site, attempt) == (case.reason, case.place, case.told)
    assert attempt.state == (State.FAILED if case.reason else State.SUCCEEDED)
    shown = sites.kept(attempt)
    assert "Traceback" not in shown
    assert str(tree.ROOT) not in shown
    assert "site-packages" not in shown
    assert [name for name, value in {**sites.SECRETS, **case.secrets}.items() if value in shown] == []

    assert sites.export(site, INNOCENT).state == State.SUCCEEDED
