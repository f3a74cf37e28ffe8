"""Every problem of a draft, with its exact words: docs/pipelines.md lists each with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import graph
from pipelines.graph import QueueFacts
from tests.pipelines.graph_problems import TABLE, reads, stage, takes, writes
from tests.pipelines.kinds import tiny_kinds  # noqa: F401

pytestmark = pytest.mark.usefixtures("tiny_kinds")

AP = QueueFacts(
    "AP", [{"category": "section", "id": "s", "children": [{"category": "datapoint", "id": "amount_total"}]}]
)
AR = QueueFacts("AR")


def told(*stages, queues=None, secrets=("password",)):
    problems = graph.check(stages, secrets=lambda draft: frozenset(secrets), queues=queues)
    return [(problem.severity, problem.stage, problem.path, problem.message) for problem in problems]


@pytest.mark.parametrize("name", TABLE)
def test_each_problem_is_told_in_these_words(name):
    stages, problems = TABLE[name]

    assert told(*stages) == problems


GOOD = {
    "a chain": [takes("P", "k"), writes("W", after=["P"]), reads("R", after=["W"])],
    "an inactive stage between": [writes("W"), stage("X", active=False, after=["W"]), reads("R", after=["X"])],
    "a secret and its own token": [
        stage("A", "send", {"condition": "{secret.password}{secret.access_token}", "auth": {"url": "https://a/"}})
    ],
    "a key written twice in order": [writes("A"), writes("B", after=["A"]), reads("R", after=["B"])],
    "two branches with their own keys": [writes("A", "a"), writes("B", "b"), reads("R", "a", after=["A", "B"])],
    "a file that comes with the document": [takes("P", "received.1.1"), reads("R", "received.1.1", after=["P"])],
    "a purge of other keys": [takes("P", "other"), writes("W"), reads("R", after=["W"])],
    "rewritten after a purge": [
        writes("A"),
        takes("P", "k", after=["A"]),
        writes("B", after=["P"]),
        reads("R", after=["B"]),
    ],
    "an address with // in it": [stage("A", config='{"condition": "https://erp.example//x"}')],
    "judging what was sent": [stage("S", "send"), stage("J", "evaluate", after=["S"])],
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_draft_has_no_problems(name):
    assert told(*GOOD[name]) == []


def test_two_stages_of_different_queues_may_write_one_key():
    stages = [
        writes("A", queues=frozenset({1})),
        writes("B", queues=frozenset({2})),
        reads("R", after=["A", "B"]),
    ]

    assert told(*stages, queues={1: AP, 2: AR}) == []
    assert told(*stages) == []


def test_what_holds_for_one_queue_only_names_it():
    stages = [writes("A", queues=frozenset({1})), reads("R", after=["A"])]

    assert told(*stages, queues={1: AP, 2: AR}) == [
        (
            "error", "R", "config.read_key",
            'Nothing before this stage writes "k". "A" writes it, but for documents of other queues. (For documents of "AR".)',
        )
    ]  # fmt: skip


def test_a_queue_without_a_stage_is_named():
    assert told(stage("A", queues=frozenset({1})), queues={1: AP, 2: AR}) == [
        ("error", "", "", 'No stage runs for documents of "AR": every active stage is for other queues.')
    ]


def test_a_stage_for_a_queue_of_another_pipeline_is_pointed_out():
    idle = QueueFacts("Idle", attached=False)

    assert told(stage("A"), stage("B", queues=frozenset({3})), queues={1: AP, 3: idle}) == [
        ("warning", "B", "queues", 'This stage is for documents of "Idle", which do not go through this pipeline.')
    ]


@pytest.mark.parametrize(
    ("config", "path", "severity"),
    [
        ({"target_schema_id": "amout_total"}, "config.target_schema_id", "error"),
        ({"condition": "@{amout_total}"}, "config.condition", "error"),
        ({"filename_template": "{amout_total}.csv"}, "config.filename_template", "error"),
        ({"file_content_template": "{{ field.amout_total }}"}, "config.file_content_template", "warning"),
        ({"file_content_template": "{{ field['amout_total'] }}"}, "config.file_content_template", "warning"),
        (
            {"auth": {"$DATAPOINT_VALUE$": {"schema_id": "amout_total"}}},
            "config.auth.$DATAPOINT_VALUE$.schema_id",
            "error",
        ),
    ],
)
def test_a_field_that_the_schema_lacks_is_named(config, path, severity):
    path = path.replace(".$DATAPOINT_VALUE$", '["$DATAPOINT_VALUE$"]')

    assert told(stage("A", config=config), queues={1: AP}) == [
        (severity, "A", path, 'The schema of "AP" has no field "amout_total". Did you mean "amount_total"?')
    ]


@pytest.mark.parametrize(
    "config",
    [
        {"condition": "@{amount_total}", "file_content_template": "{{ field.items() }} @{not_a_field}"},
        {"filename_template": "{annotation.id}-{amount_total}.csv"},
        {"condition": "@{schema_loop.index}"},
        {"condition": "@{s}"},
    ],
)
def test_a_field_that_is_there_or_none_is_left_alone(config):
    assert told(stage("A", config=config), queues={1: AP}) == []


def test_a_field_that_one_of_two_queues_lacks_blocks_only_where_it_is_written():
    other = QueueFacts("AR", [{"category": "section", "id": "s", "children": []}])

    assert told(
        stage("A", config={"condition": "@{amount_total}"}),
        stage("B", config={"target_schema_id": "amount_total"}, after=["A"]),
        queues={1: AP, 2: other},
    ) == [
        ("warning", "A", "config.condition", 'The schema of "AR" has no field "amount_total".'),
        ("error", "B", "config.target_schema_id", 'The schema of "AR" has no field "amount_total".'),
    ]


def test_a_stage_whose_config_cannot_be_read_makes_no_further_guesses():
    assert told(stage("W", config="{"), reads("R", after=["W"])) == [
        ("error", "W", "config", "line 1, column 2: The { opened on line 1 is never closed.")
    ]


def test_every_problem_is_in_the_docs_with_its_remedy():
    page = (Path(__file__).resolve().parents[2] / "docs" / "pipelines.md").read_text()
    told_of = {problem[3] for _, problems in TABLE.values() for problem in problems}
    variants = {
        'These stages wait for each other in a circle: "A" → "A". Cut it.',
        'The key "hedaers" is unknown here. Did you mean "headers"?',
        "line 1, column 1: JSON has no comments; delete the one that begins with /* here.",
    }

    assert sorted(message for message in told_of - variants if f"`{message}`" not in page) == []
