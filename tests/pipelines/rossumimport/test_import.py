"""A whole organization taken over: what it becomes here, that nothing happens twice, and what a person is told."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from audit.models import Event
from pipelines import drafts, publishing, vault
from pipelines.definition import Definition
from pipelines.models import Pipeline, Queue, Revision, Schema, Stage
from tests import builders
from tests.pipelines.rossumimport import organization as acme

pytestmark = pytest.mark.usefixtures("organization")


@pytest.fixture
def folder(tmp_path):
    return acme.write(tmp_path)


def imported(path, *words):
    """The report as JSON."""
    out = StringIO()
    call_command("rossum_import", str(path), "--json", *words, stdout=out)
    return json.loads(out.getvalue())


def told(report, where):
    return [note["what"] for note in report["people"] if note["where"] == where]


def keep_secrets():
    for name in ("client_id", "client_secret"):
        vault.put(name, f"the-{name}", by=builders.owner())


def test_the_published_chain_becomes_one_pipeline_for_both_queues(folder):
    imported(folder)

    pipeline = Pipeline.objects.get()
    stages = {one.name: one for one in Stage.objects.filter(pipeline=pipeline)}
    assert {name: (one.kind, one.run_after) for name, one in stages.items()} == {
        "Purge": ("purge", []),
        "Render DE": ("template", ["Purge"]),
        "Render FR": ("template", ["Purge"]),
        "Create": ("rest_api", ["Render DE", "Render FR"]),
        "Read create": ("extract", ["Create"]),
        "Attach": ("rest_api", ["Read create"]),
        "Read attach": ("extract", ["Attach"]),
        "Backlink": ("rest_api", ["Read create"]),
        "Read backlink": ("extract", ["Backlink"]),
        "Submit": ("rest_api", ["Read attach", "Read backlink"]),
        "Read submit": ("extract", ["Submit"]),
        "Old call": ("rest_api", ["Read submit"]),
        "Judge": ("evaluate", ["Read submit", "Old call"]),
    }
    assert {name for name, one in stages.items() if not one.active} == {"Old call"}
    restricted = {
        name: [queue.name for queue in one.queues.all()] for name, one in stages.items() if one.queues.exists()
    }
    assert restricted == {"Render DE": ["Invoices DE"], "Render FR": ["Invoices FR"]}
    assert (pipeline.every_status_counts, pipeline.max_tries) == (True, 1)
    assert json.loads(stages["Create"].config) == {**acme.call("create"), "timeout_s": 60}
    assert json.loads(stages["Judge"].config) == {
        "condition": "r.field.api1_status_code != '201'",
        "message": "The ERP did not book it.",
    }
    assert list(Queue.objects.values_list("name", "pipeline__name", "use_confirmed_state", "schema__name")) == [
        ("Invoices DE", "Rossum: Invoices DE and 1 more", True, "Invoices [301]"),
        ("Invoices FR", "Rossum: Invoices DE and 1 more", False, "Invoices [301]"),
    ]


def test_what_was_taken_over_can_be_published_and_looks_through_the_hook_that_is_not_active(folder):
    keep_secrets()

    report = imported(folder, "--publish")

    assert report["pipelines"][0]["problems"] == []
    assert report["pipelines"][0]["published"]
    steps = Definition.load(Revision.objects.get().definition).for_queue(Queue.objects.get(name="Invoices DE").pk)
    assert [step.name for step in steps if step.name.startswith("Render")] == ["Render DE"]
    assert next(step for step in steps if step.name == "Judge").run_after == ("Read submit",)


def test_the_report_names_secrets_people_and_what_was_left_out(folder):
    report = imported(folder)

    (pipeline,) = report["pipelines"]
    assert pipeline["secrets"] == ["client_id", "client_secret"]
    assert any('There is no secret "client_id"' in problem for problem in pipeline["problems"])
    assert not pipeline["published"]
    create = next(stage for stage in pipeline["stages"] if stage["name"] == "Create")
    assert (create["hook"], create["timeout_s"], create["retry_count"]) == (613, 60.0, 0)
    assert [note["where"] for note in report["left_out"]] == ['Hook 630 "Check totals"', 'Hook 610 "Purge"']
    assert told(report, "Rossum: Invoices DE and 1 more")[0].startswith(
        'The secret "client_id" is named by Create, Attach, Backlink, Submit, Old call: each had its own at Rossum'
    )


def test_a_second_run_changes_nothing(folder):
    imported(folder)
    before = [list(model.objects.values()) for model in (Queue, Schema, Pipeline, Stage)]
    events = Event.objects.count()

    report = imported(folder)

    assert [list(model.objects.values()) for model in (Queue, Schema, Pipeline, Stage)] == before
    assert Event.objects.count() == events
    assert {one["action"] for one in [*report["queues"], *report["pipelines"], *report["pipelines"][0]["stages"]]} == {
        "same"
    }


def test_a_change_at_rossum_is_taken_over_and_one_made_here_is_left(folder):
    imported(folder)
    pipeline = Pipeline.objects.get()
    (mine,) = (draft for draft in publishing.drafts(pipeline) if draft.name == "Create")
    stage = Stage.objects.get(name="Create")
    drafts.save(
        pipeline, mine.__class__(**{**_values(mine), "config": '{"request": {}}'}), by=builders.owner(), stage=stage
    )
    for name in ("Create_[613]", "Attach_[615]"):
        path = next(folder.rglob(f"{name.replace('[', '[[]')}.json"))
        changed = json.loads(path.read_text())
        changed["settings"]["mode"] = "retry"
        path.write_text(json.dumps(changed))

    report = imported(folder)

    actions = {stage["name"]: stage["action"] for stage in report["pipelines"][0]["stages"]}
    assert {name: action for name, action in actions.items() if action != "same"} == {
        "Create": "kept",
        "Attach": "changed",
    }
    assert Stage.objects.get(name="Create").config == '{"request": {}}'
    assert json.loads(Stage.objects.get(name="Attach").config)["mode"] == "retry"
    imported(folder, "--overwrite")
    assert json.loads(Stage.objects.get(name="Create").config)["mode"] == "retry"


def test_a_dry_run_tells_the_same_and_writes_nothing(folder):
    dry = imported(folder, "--dry-run")
    assert not any(model.objects.exists() for model in (Queue, Schema, Pipeline, Stage))
    assert not Event.objects.exists()

    real = imported(folder)

    assert dry == {**real, "dry_run": True}


def test_one_queue_takes_along_what_is_attached_to_it(folder):
    report = imported(folder, "--queue", "Invoices DE")

    assert [queue["name"] for queue in report["queues"]] == ["Invoices DE"]
    assert not Stage.objects.filter(name="Render FR").exists()
    assert Stage.objects.get(name="Create").run_after == ["Render DE"]
    assert imported(folder, "--queue", "Nowhere")["people"] == [
        {"where": "Nowhere", "what": "There is no queue of this name or id in the files."}
    ]


def test_formulas_that_are_ours_are_kept_and_others_are_told(tmp_path):
    path = tmp_path / "export.json"
    python = "import datetime\nfield.vendor.upper()"
    path.write_text(json.dumps({
        "queues": [acme.queue(205, "Invoices")],
        "schemas": [acme.schema(api2_gate="'yes' if field.vendor else ''", vendor=python)],
    }))  # fmt: skip

    report = imported(path)

    fields = {node["id"]: node for node in Schema.objects.get().content[0]["children"]}
    assert fields["api2_gate"]["formula"] == "'yes' if field.vendor else ''"
    assert "formula" not in fields["vendor"]
    assert told(report, 'Queue "Invoices"')[0].startswith('The formula of "vendor" was left out: ')


def test_an_organizations_queue_keeps_the_pipeline_that_it_has(folder):
    own = builders.pipeline(name="Our own")
    builders.queue("Invoices DE", pipeline=own, metadata={"rossum_queue": acme.url("queues", 205)})

    report = imported(folder)

    assert Queue.objects.get(name="Invoices DE").pipeline == own
    assert told(report, 'Queue "Invoices DE"') == [
        'It goes through "Our own" already, and was left so. The import is "Rossum: Invoices DE and 1 more".'
    ]


def test_a_report_for_people_says_the_same_in_lines(folder):
    out = StringIO()

    call_command("rossum_import", str(folder), "--dry-run", stdout=out)

    lines = out.getvalue().splitlines()
    assert lines[0] == "Nothing was changed: this is what would be done."
    assert "    Create: rest_api after Render DE, Render FR, timeout_s 60, retry_count 0 (new, hook 613)" in lines
    assert (
        "    Render DE: template after Purge, only for Invoices DE, timeout_s 30, retry_count 4 (new, hook 611)"
        in lines
    )
    assert "    needs the secrets client_id, client_secret" in lines


def test_files_with_nothing_in_them_are_an_error_that_says_so(tmp_path):
    (tmp_path / "x.json").write_text('{"a": 1}')

    with pytest.raises(CommandError, match="There is no hook and no queue"):
        call_command("rossum_import", str(tmp_path))
    with pytest.raises(CommandError, match="There is no file or folder"):
        call_command("rossum_import", str(tmp_path / "nowhere"))


def _values(draft):
    return {name: getattr(draft, name) for name in draft.__slots__}
