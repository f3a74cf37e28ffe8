"""Frozen pipelines: their order, what runs for a queue, and their JSON form, which revisions keep for years."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import definition
from pipelines.definition import Definition, StageDraft, ancestors, in_order, through
from pipelines.errors import Misconfigured
from tests.pipelines.kinds import tiny_kinds  # noqa: F401

pytestmark = pytest.mark.usefixtures("tiny_kinds")


def build(*drafts, **values):
    return Definition.build(7, drafts, **values)


def order(steps):
    return {step.name: step.run_after for step in steps}


def test_steps_come_after_what_they_wait_for_and_else_as_on_the_page():
    made = build(
        StageDraft("Last", "make", run_after=("B", "A")),
        StageDraft("B", "make"),
        StageDraft("A", "make"),
        StageDraft("Middle", "make", run_after=("B",)),
    )

    assert [step.name for step in made.steps] == ["B", "A", "Last", "Middle"]


def test_an_inactive_step_counts_as_satisfied_and_still_orders():
    made = build(
        StageDraft("Create", "send"),
        StageDraft("Off", "make", run_after=("Create",), active=False),
        StageDraft("Off too", "make", run_after=("Off",), active=False),
        StageDraft("Judge", "evaluate", run_after=("Off too", "Create")),
    )

    assert order(made.for_queue(1)) == {"Create": (), "Judge": ("Create",)}


def test_a_step_of_another_queue_counts_as_satisfied_too():
    made = build(
        StageDraft("Ours", "make", queues=frozenset({1})),
        StageDraft("Theirs", "make", queues=frozenset({2})),
        StageDraft("Send", "send", run_after=("Ours", "Theirs")),
    )

    assert order(made.for_queue(1)) == {"Ours": (), "Send": ("Ours",)}
    assert order(made.for_queue(2)) == {"Theirs": (), "Send": ("Theirs",)}
    assert order(made.for_queue(3)) == {"Send": ()}


def test_the_real_topology_of_rossums_coupa_pipelines_runs():
    """Two templates of different queues, a fork, a join, and a judge that also waits for an inactive stage."""
    names = {
        "C": ("A", "B"),
        "D": ("C",),
        "E": ("D",),
        "F": ("E",),
        "G": ("D",),
        "H": ("G",),
        "I": ("F", "H"),
        "J": ("I",),
    }
    made = build(
        StageDraft("A", "make", queues=frozenset({1})),
        StageDraft("B", "make", queues=frozenset({2})),
        *(StageDraft(name, "send", run_after=after) for name, after in names.items()),
        StageDraft("Z", "make", run_after=("I",), active=False),
        StageDraft("K", "evaluate", run_after=("J", "Z")),
    )

    steps = made.for_queue(1)

    assert order(steps) == {"A": (), **names, "C": ("A",), "K": ("J", "I")}
    assert {step.name for step in steps if not step.judged_downstream} == {"K"}


def test_a_judge_counts_only_for_the_queues_it_runs_for():
    made = build(
        StageDraft("Send", "send"),
        StageDraft("Judge", "evaluate", run_after=("Send",), queues=frozenset({1})),
        StageDraft("After", "send", run_after=("Judge",)),
    )

    judged = {queue: {step.name for step in made.for_queue(queue) if step.judged_downstream} for queue in (1, 2)}

    assert judged == {1: {"Send"}, 2: set()}
    assert {step.name: step.sends for step in made.for_queue(1)} == {"Send": True, "Judge": False, "After": True}


def test_a_step_knows_its_module_and_its_parsed_config():
    made = build(StageDraft("Send", "send", '{"read_key": "k"}'))

    (step,) = made.steps
    assert (step.module.SENDS, step.config.read_key, step.text) == (True, "k", '{"read_key": "k"}')


def test_an_active_stage_that_cannot_be_read_is_misconfigured_by_name_and_path():
    with pytest.raises(Misconfigured) as refused:
        build(StageDraft("Send", "send", '{"reed_key": "k"}'))

    assert str(refused.value) == 'Send: config.reed_key: The key "reed_key" is unknown here. Did you mean "read_key"?'


def test_a_kind_that_is_gone_is_misconfigured():
    with pytest.raises(Misconfigured, match='No stage kind is called "gone" here'):
        build(StageDraft("Send", "gone"))


def test_an_inactive_stage_may_be_unfinished():
    made = build(StageDraft("Send", "send"), StageDraft("Later", "nothing", "{", active=False))

    assert made.step("Later").config is None
    assert Definition.load(made.dump()) == made


def test_a_dump_of_a_newer_format_is_not_guessed_at():
    dumped = {**build(StageDraft("Send", "send")).dump(), "format": definition.FORMAT + 1}

    with pytest.raises(Misconfigured, match="This revision has the format 2, this Waybill reads 1 to 1"):
        Definition.load(dumped)


def test_the_order_of_form_fields_survives_a_database_that_sorts_keys():
    text = '{"request": {"headers": {"z": "1", "a": "2"}}}'
    dumped = json.loads(json.dumps(build(StageDraft("Send", "send", text)).dump(), sort_keys=True))

    assert list(Definition.load(dumped).steps[0].config.request.headers) == ["z", "a"]


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"config": '{\n   "read_key":  "k", "condition": "x"\n}'}, True),
        ({"destination_name": "renamed"}, True),
        ({"config": '{"condition": "x", "read_key": "k"}'}, False),
        ({"config": '{"read_key": "k", "condition": "y"}'}, False),
        ({"name": "Other"}, False),
        ({"active": False}, False),
        ({"always_run": True}, False),
        ({"queues": frozenset({1})}, False),
        ({"destination_id": 2}, False),
    ],
)
def test_the_digest_is_of_what_it_means(change, same):
    first = {"name": "Send", "kind": "send", "config": '{"read_key": "k", "condition": "x"}', "destination_id": 1}

    digests = {build(StageDraft(**given)).digest for given in (first, {**first, **change})}

    assert (len(digests) == 1) is same


def test_the_settings_of_the_pipeline_are_in_the_digest():
    draft = StageDraft("Send", "send")

    assert len({build(draft, **values).digest for values in ({}, {"max_tries": 1}, {"every_status_counts": True})}) == 3


NAMES = ["a", "b", "c", "d", "e", "f"]


@st.composite
def pipelines(draw):
    """Stages that wait only for stages later in a hidden order, so there is no loop, listed in any order."""
    drafts = []
    for index, name in enumerate(NAMES[: draw(st.integers(1, len(NAMES)))]):
        drafts.append(
            StageDraft(
                name,
                draw(st.sampled_from(["make", "send", "evaluate"])),
                draw(st.sampled_from(["{}", '{ "write_key": "ž" }', '{"condition":\n"\\u0041"}'])),
                tuple(draw(st.lists(st.sampled_from(NAMES[:index]), unique=True)) if index else ()),
                active=draw(st.booleans()),
                always_run=draw(st.booleans()),
                queues=draw(st.frozensets(st.integers(1, 3), max_size=2)),
                destination_id=draw(st.none() | st.integers(1, 9)),
                destination_name=draw(st.text(max_size=3)),
            )
        )
    return draw(st.permutations(drafts))


QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(pipelines(), st.booleans(), st.integers(0, 20))
def test_load_is_the_exact_inverse_of_dump(drafts, counts, tries):
    made = build(*drafts, every_status_counts=counts, max_tries=tries)

    dumped = made.dump()
    again = Definition.load(json.loads(json.dumps(dumped)))

    assert again == made
    assert (again.dump(), again.digest) == (dumped, made.digest)


@QUICK
@given(pipelines())
def test_for_every_queue_the_order_is_that_of_the_whole(drafts):
    made = build(*drafts)
    whole = ancestors({draft.name: draft.run_after for draft in drafts})

    for queue in (1, 2, 3, 4):
        steps = made.for_queue(queue)
        names = [step.name for step in steps]
        reach = ancestors({step.name: step.run_after for step in steps})
        for index, step in enumerate(steps):
            assert set(step.run_after) <= set(names[:index])
            assert reach[step.name] == whole[step.name] & set(names)


def test_a_chain_of_a_thousand_steps_is_put_in_order():
    waits = {str(n): (str(n + 1),) if n < 999 else () for n in range(1000)}

    assert in_order(list(waits), waits)[0] == "999"
    assert through("0", waits, {"999"}) == ("999",)
