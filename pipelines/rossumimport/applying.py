"""Writes an import's plan into the organization: queues with their schemas, and the drafts of pipelines, by the same
verbs as people use. Running it again changes what has changed at Rossum, and nothing that was edited here since."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction

from accounts.policy import Principal, require
from audit.models import Event
from pipelines import configs, configuration, drafts, publishing, schemas, stages, vault
from pipelines.definition import StageDraft, compact
from pipelines.models import Pipeline, Queue, Schema, Stage
from pipelines.publishing import NotPublishable
from pipelines.refusals import Refused
from pipelines.rossumimport.outcome import Outcome, PipelineLine, QueueLine, StageLine
from pipelines.rossumimport.reading import Found, Object, id_of
from pipelines.rossumimport.translating import PipelinePlan, StagePlan, name_of, plan

QUEUE_AT = "rossum_queue"
"""In a queue's metadata: its address at Rossum, by which it is found again."""
IMPORTED = "Imported from Rossum."


def run(
    found: Found,
    *,
    by: Principal,
    only: str = "",
    publish: bool = False,
    overwrite: bool = False,
    dry_run: bool = False,
) -> Outcome:
    """Import what was found. `only` names one queue; `publish` publishes what has no problems; `overwrite` takes
    Rossum's word for stages that were edited here too. A dry run writes nothing and tells the same."""
    require(by, "pipelines.add_pipeline")
    require(by, "pipelines.add_queue")
    outcome = Outcome(dry_run=dry_run)
    for file, why in found.unread:
        outcome.needs(file, why)
    with transaction.atomic():
        _Import(found, outcome, by, publish=publish, overwrite=overwrite).run(only)
        if dry_run:
            transaction.set_rollback(True)
    return outcome


class _Import:
    def __init__(self, found: Found, outcome: Outcome, by: Principal, *, publish: bool, overwrite: bool) -> None:
        self._found = found
        self._outcome = outcome
        self._by = by
        self._publish = publish
        self._overwrite = overwrite
        self._queues: dict[int, Queue] = {}

    def run(self, only: str) -> None:
        plans = plan(self._found, self._outcome, only=only)
        if only and not any(only in {str(number), str(one.get("name"))} for number, one in self._found.queues.items()):
            self._outcome.needs(only, "There is no queue of this name or id in the files.")
        for number, one in sorted(self._found.queues.items()):
            if not only or only in {str(number), str(one.get("name"))}:
                self._queue(number, one)
        for chain in plans:
            self._pipeline(chain)

    # Queues and schemas

    def _queue(self, number: int, one: Object) -> None:
        url = str(one.get("url") or f"queues/{number}")
        queue: Queue | None = Queue.objects.filter(**{f"metadata__{QUEUE_AT}": url}).order_by("pk").first()
        known = queue is not None
        queue = queue or Queue.own(name=self._free(Queue, name_of(one), number), metadata={QUEUE_AT: url})
        schema = self._schema(one, queue)
        before = queue.schema_id
        queue.schema = schema
        if not known:
            queue.use_confirmed_state = one.get("use_confirmed_state") is not False
        configuration.save(queue, by=self._by)
        self._queues[number] = queue
        action = "new" if not known else "same" if queue.schema_id == before else "changed"
        self._outcome.queues.append(QueueLine(number, queue.name, action, schema.name if schema else ""))

    def _schema(self, one: Object, queue: Queue) -> Schema | None:
        number = id_of(one.get("schema"))
        found = self._found.schemas.get(number) if number is not None else None
        embedded = one.get("schema")
        if found is None and isinstance(embedded, dict) and isinstance(embedded.get("content"), list):
            found = embedded
        where = f'Queue "{name_of(one)}"'
        if found is None:
            if queue.schema is None:
                self._outcome.needs(where, "Its schema is not among the files: fields are text until it has one.")
            return queue.schema
        content = self._sound(copy.deepcopy(found.get("content") or []), where)
        if wrong := schemas.problems(content):
            self._outcome.needs(where, f"Its schema was not taken over: {wrong[0]}")
            return queue.schema
        name = self._schema_name(found, number)
        row = queue.schema or Schema.objects.filter(name=name).first() or Schema.own(name=name)
        row.content = content
        return configuration.save(row, by=self._by)

    def _sound(self, content: list[Any], where: str) -> list[Any]:
        """Formulas that are no expression of ours are left out, each told."""
        for node in _nodes(content):
            if node.get("formula") and (wrong := _formula_problem(node)):
                self._outcome.needs(where, f'The formula of "{node.get("id")}" was left out: {wrong}')
                del node["formula"]
            if node.get("category") == "datapoint" and node.get("constraints") is None:
                node.pop("constraints", None)
        return content

    def _schema_name(self, found: Object, number: int | None) -> str:
        return f"{name_of(found)} [{number}]" if number is not None else name_of(found)

    def _free(self, model: Any, name: str, number: int) -> str:
        return name if not model.objects.filter(name=name).exists() else f"{name} [{number}]"

    # Pipelines

    def _pipeline(self, one: PipelinePlan) -> None:
        pipeline = self._known(one)
        new = pipeline is None
        if pipeline is None:
            name = (
                one.name
                if not Pipeline.objects.filter(name=one.name).exists()
                else f"{one.name} [{one.stages[0].hook}]"
            )
            pipeline = drafts.create(
                name, by=self._by, description=IMPORTED, every_status_counts=True, max_tries=one.max_tries
            )
        line = PipelineLine(pipeline.name, [self._queues[q].name for q in one.queues if q in self._queues])
        line.max_tries = pipeline.max_tries
        for position, stage in enumerate(one.stages, 1):
            line.stages.append(self._stage(pipeline, stage, position))
        line.action = (
            "new" if new else "changed" if any(s.action in {"new", "changed"} for s in line.stages) else "same"
        )
        self._tell_of_others(pipeline, one)
        for number in one.queues:
            self._attach(number, pipeline)
        self._judge(pipeline, line)
        self._outcome.pipelines.append(line)

    def _known(self, one: PipelinePlan) -> Pipeline | None:
        """The pipeline that an earlier import made of these hooks: one of its queues has it, or it has the name."""
        for number in one.queues:
            queue = self._queues.get(number)
            if queue is not None and queue.pipeline is not None and queue.pipeline.description == IMPORTED:
                found: Pipeline = queue.pipeline
                return found
        named: Pipeline | None = Pipeline.objects.filter(name=one.name, description=IMPORTED).first()
        return named

    def _stage(self, pipeline: Pipeline, one: StagePlan, position: int) -> StageLine:
        queues = frozenset(self._queues[number].pk for number in one.queues if number in self._queues)
        draft = replace(one.draft, queues=queues)
        line = StageLine(
            hook=one.hook, name=draft.name, kind=draft.kind, run_after=list(draft.run_after), active=draft.active,
            queues=[self._queues[number].name for number in sorted(one.queues) if number in self._queues],
            timeout_s=one.timeout_s, retry_count=one.retry_count,
        )  # fmt: skip
        row: Stage | None = Stage.objects.filter(pipeline=pipeline, name=draft.name).first()
        if row is None:
            drafts.save(pipeline, draft, by=self._by, position=position, why=IMPORTED)
            line.action = "new"
        elif _same(row, draft):
            line.action = "same"
        elif not self._overwrite and self._edited(pipeline, draft.name):
            line.action = "kept"
            told = "It was edited here since the last import, and is left as it is. --overwrite takes Rossum's."
            self._outcome.needs(f'{pipeline.name}, stage "{draft.name}"', told)
        else:
            mine = replace(draft, destination_id=row.destination_id)
            drafts.save(pipeline, mine, by=self._by, stage=row, why=IMPORTED)
            line.action = "changed"
        return line

    def _edited(self, pipeline: Pipeline, stage: str) -> bool:
        """Whether the last who saved the stage was a person."""
        events = Event.objects.filter(organization_id=pipeline.organization_id, subject=f"pipeline:{pipeline.pk}")
        last = events.filter(verb__in=["stage.add", "stage.change"], detail__stage=stage).order_by("-id").first()
        return last is not None and last.why != IMPORTED

    def _tell_of_others(self, pipeline: Pipeline, one: PipelinePlan) -> None:
        ours = {stage.draft.name for stage in one.stages}
        for name in Stage.objects.filter(pipeline=pipeline).exclude(name__in=ours).values_list("name", flat=True):
            told = "No hook in the files is called so. It is left as it is: delete it where its hook is gone."
            self._outcome.needs(f'{pipeline.name}, stage "{name}"', told)

    def _attach(self, number: int, pipeline: Pipeline) -> None:
        queue = self._queues.get(number)
        if queue is None or queue.pipeline_id == pipeline.pk:
            return
        if queue.pipeline is not None:
            told = f'It goes through "{queue.pipeline.name}" already, and was left so. The import is "{pipeline.name}".'
            self._outcome.needs(f'Queue "{queue.name}"', told)
            return
        queue.pipeline = pipeline
        configuration.save(queue, by=self._by)

    def _judge(self, pipeline: Pipeline, line: PipelineLine) -> None:
        """What stands against publishing; published where that is wanted and nothing does."""
        line.secrets = sorted(self._lacking(pipeline))
        problems = [problem for problem in publishing.check(pipeline) if problem.severity == "error"]
        line.problems = [str(problem) for problem in problems]
        if not self._publish or problems:
            return
        try:
            publishing.publish(pipeline, by=self._by, note=IMPORTED)
            line.published = True
        except (NotPublishable, Refused) as refusal:
            line.problems.append(refusal.message)

    def _lacking(self, pipeline: Pipeline) -> set[str]:
        """Names of secrets that the stages look up and that nobody keeps yet."""
        lacking: set[str] = set()
        for draft in publishing.drafts(pipeline):
            known = vault.names_for(
                pipeline.organization_id, destination_id=draft.destination_id, pipeline_id=pipeline.pk
            )
            parsed = configs.parse(draft.name, stages.get(draft.kind), draft.config)
            named = {name for _, name in configs.secrets_named(parsed.raw)}
            if configs.fetches_its_token(parsed.raw):
                named.discard("access_token")
            lacking |= named - known
            needs = getattr(stages.get(draft.kind), "needs", None)
            if needs is not None and parsed.config is not None:
                lacking |= {
                    " or ".join(need.secrets)
                    for need in needs(parsed.config, {})
                    if need.secrets and not known & set(need.secrets)
                }
        return lacking


def _same(row: Stage, draft: StageDraft) -> bool:
    queues = frozenset(row.queues.values_list("pk", flat=True))
    now = (row.kind, compact(row.config), tuple(row.run_after), row.active, queues)
    return now == (draft.kind, compact(draft.config), draft.run_after, draft.active, draft.queues)


def _nodes(content: Any) -> list[dict[str, Any]]:
    """Every node of a schema, however wrong it may be."""
    found: list[dict[str, Any]] = []
    stack: list[Any] = list(content) if isinstance(content, list) else [content]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            found.append(node)
            inner = node.get("children")
            stack.extend(inner if isinstance(inner, list) else [inner])
    return found


def _formula_problem(node: Mapping[str, Any]) -> str:
    from pipelines import expressions
    from pipelines.errors import StageError

    text = node["formula"]
    if not isinstance(text, str):
        return "it is no text."
    try:
        expressions.parse(text)
    except StageError as error:
        return error.message
    return ""
