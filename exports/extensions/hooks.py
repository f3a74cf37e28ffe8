"""The pipeline that stands for a hook: one stage with the hook's settings, published once for each that differ.

The hook's secrets are sealed at that pipeline, so that stages find and hide them as they do all secrets."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db import transaction

from accounts.policy import Principal
from exports.wire.rossum.hookpayload import KINDS, TITLES, HookCall, id_of
from pipelines import drafts, publishing, vault
from pipelines.definition import Definition, StageDraft, Step
from pipelines.errors import Misconfigured
from pipelines.models import Pipeline, Revision, RossumAccount, RossumHook, Stage
from pipelines.publishing import NotPublishable
from pipelines.refusals import Refused

TRIES = 4
"""While the other side takes nothing: with the usual waits, about 35 seconds, well inside Rossum's polling time."""
NO_SECRETS = frozenset({"type"})
"""What stands among the secrets of the file storage extension and is none: the kind of the login."""


@dataclass(frozen=True, slots=True)
class Ready:
    """What runs for a call."""

    revision: Revision
    step: Step
    reads: frozenset[str]
    """Reference keys whose files the stage is given."""
    writes: bool
    """It may make files, which go back to Rossum."""
    wants_original: bool

    @property
    def purges(self) -> bool:
        return self.step.kind == "purge"

    @property
    def needs_token(self) -> bool:
        return bool(self.reads or self.writes or self.wants_original or self.purges)


def prepare(account: RossumAccount, call: HookCall, *, by: Principal) -> Ready:
    """The revision that does what the settings say. Raises NotPublishable and Refused in the words of a person."""
    with transaction.atomic():
        RossumAccount.objects.select_for_update().get(pk=account.pk)  # two first calls at once make one pipeline
        pipeline = _pipeline(account, call, by=by)
        _keep_secrets(pipeline, call, by=by)
        draft = StageDraft(
            name=TITLES[call.extension],
            kind=KINDS[call.extension],
            config=json.dumps(call.settings, ensure_ascii=False, indent=2),
            destination_id=account.destination_id,
            destination_name=account.destination.name if account.destination else "",
        )
        revision = _published(pipeline, draft) or _publish(pipeline, draft, call, by=by)
    (step,) = Definition.load(revision.definition).steps
    module = step.module
    return Ready(
        revision=revision,
        step=step,
        reads=frozenset(module.reads(step.config)),
        writes=bool(module.writes(step.config)),
        wants_original=_wants_original(step),
    )


def _pipeline(account: RossumAccount, call: HookCall, *, by: Principal) -> Pipeline:
    known = RossumHook.objects.filter(account=account, url=call.hook, extension=call.extension)
    row: RossumHook | None = known.select_related("pipeline").first()
    if row is not None:
        return row.pipeline
    title = f"{TITLES[call.extension]} (hook {id_of(call.hook)} of {account.name[:60]})"
    taken = set(Pipeline.objects.filter(name__startswith=title).values_list("name", flat=True))
    name = next(name for n in range(1, 10_000) if (name := title if n == 1 else f"{title} {n}") not in taken)
    pipeline = drafts.create(
        name,
        by=by,
        description=f"Stands for the hook {call.hook}. Its settings are kept there: what is edited here is not run.",
        every_status_counts=True,
        max_tries=TRIES,
    )
    RossumHook.own(account=account, url=call.hook, extension=call.extension, pipeline=pipeline).save(force_insert=True)
    return pipeline


def _keep_secrets(pipeline: Pipeline, call: HookCall, *, by: Principal) -> None:
    """Seal what is new or has changed. A name that no config could write is nobody's."""
    known = vault.secrets_for(pipeline.organization_id, destination_id=None, pipeline_id=pipeline.pk)
    for name, given in call.secrets.items():
        value = given.replace("\r\n", "\n").replace("\r", "\n")
        value = value.removesuffix("\n") if value.count("\n") == 1 else value
        if not value or name in NO_SECRETS or not vault.NAME.fullmatch(name) or known.get(name) == value:
            continue
        if len(value) > vault.LONGEST:
            raise Refused(f'The secret "{name}" has more than {vault.LONGEST:,} characters.')
        vault.put(name, value, by=by, pipeline=pipeline)


def _published(pipeline: Pipeline, draft: StageDraft) -> Revision | None:
    """An earlier revision that means the same."""
    try:
        definition = Definition.build(
            pipeline.pk, [draft], every_status_counts=pipeline.every_status_counts, max_tries=pipeline.max_tries
        )
    except Misconfigured:
        return None  # publishing says what is wrong, all of it
    found: Revision | None = Revision.objects.filter(pipeline=pipeline, digest=definition.digest).first()
    return found


def _publish(pipeline: Pipeline, draft: StageDraft, call: HookCall, *, by: Principal) -> Revision:
    row: Stage | None = Stage.objects.filter(pipeline=pipeline).first()
    drafts.save(pipeline, draft, by=by, stage=row, why=f"As the hook's settings are ({call.request_id}).")
    return publishing.publish(pipeline, by=by, note=f"Settings of {call.hook}.")


def told(refusal: Refused) -> list[str]:
    """What is wrong, each place with its words."""
    if isinstance(refusal, NotPublishable):
        errors = [problem for problem in refusal.problems if problem.severity == "error"]
        return [f"{_place(problem.path)}: {problem.message}" for problem in errors]
    return [refusal.message]


def _place(path: str) -> str:
    """As the hook calls it: its settings, not our config."""
    return f"settings{path.removeprefix('config')}" if path.startswith("config") else path or "settings"


def _wants_original(step: Step) -> bool:
    if step.kind == "file_storage":
        objects = (one for rule in step.config.export_rules for one in rule.export_object_configurations)
        return any(one.type == "document" for one in objects)
    return "original_file" in step.text
