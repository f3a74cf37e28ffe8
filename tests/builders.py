"""Short ways to make rows. Each takes only what the test speaks of; the rest is plausible."""

from __future__ import annotations

import itertools
import json
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password

from accounts.models import Membership, Organization, User
from accounts.policy import Principal
from accounts.scope import current

_numbers = itertools.count(1)


def organization(name: str = "") -> Organization:
    name = name or f"Organization {next(_numbers)}"
    return Organization.objects.create(name=name, slug=name.lower().replace(" ", "-"))


def user(name: str = "", *, role: str = "operator", organization: Organization | None = None, **values: Any) -> User:
    person = User(username=name or f"user{next(_numbers)}", password=_hashed("correct horse"), is_staff=True, **values)
    person.save()
    if organization:
        Membership.objects.create(user=person, organization=organization, role=role)
    return person


@cache
def _hashed(password: str) -> str:
    """A third of a second, once a process."""
    return make_password(password)


def owner() -> Principal:
    """Waybill itself in the organization in scope: may do everything."""
    organization_id = current()
    assert organization_id is not None, "use the organization fixture"
    return Principal.system("test", organization_id)


def pipeline(*stages: dict[str, Any], name: str = "", **values: Any):
    """A draft. Each stage: {"name", "kind", "config" (dict or text), "run_after", "active", "always_run", "destination"};
    without run_after each stage runs after the one before it."""
    from pipelines.models import Pipeline, Stage

    draft = Pipeline.own(name=name or f"Pipeline {next(_numbers)}", **values)
    draft.save()
    before: list[str] = []
    for position, stage in enumerate(stages):
        config = stage.get("config", {})
        Stage.own(
            pipeline=draft,
            name=stage["name"],
            kind=stage["kind"],
            config=config if isinstance(config, str) else json.dumps(config),
            run_after=stage.get("run_after", before),
            active=stage.get("active", True),
            always_run=stage.get("always_run", False),
            destination=stage.get("destination"),
            position=position,
        ).save()
        before = [stage["name"]]
    return draft


def queue(name: str = "", **values: Any):
    from pipelines.models import Queue

    made = Queue.own(name=name or f"Queue {next(_numbers)}", **values)
    made.save()
    return made


def destination(name: str = "", **values: Any):
    from pipelines.models import Destination

    made = Destination.own(name=name or f"Destination {next(_numbers)}", **values)
    made.save()
    return made


def schema(*nodes: dict[str, Any], name: str = ""):
    """A schema with one section "header" of these nodes; a bare text is a string field of that id."""
    from pipelines.models import Schema

    children = [{"category": "datapoint", "id": n, "type": "string"} if isinstance(n, str) else n for n in nodes]
    made = Schema.own(
        name=name or f"Schema {next(_numbers)}",
        content=[{"category": "section", "id": "header", "children": children}],
    )
    made.save()
    return made


def document(queue, fields: Any = None, *, status: str = "confirmed", external_id: str = "", **values: Any):
    """A document as intake would leave it, without going through intake."""
    from exports.models import Document, FieldsVersion
    from pipelines import shapes

    made = Document.own(queue=queue, external_id=external_id or f"doc-{next(_numbers)}", status=status, **values)
    made.save()
    sections = list(shapes.parse({"number": "1"} if fields is None else fields).sections)
    made.fields = FieldsVersion.own(document=made, number=1, content=sections, by="test")
    made.fields.save()
    made.save()
    return made


def attempt(*stages: dict[str, Any], fields: Any = None, schema: Any = None, **pipeline_values: Any):
    """A queued attempt at a fresh document, through a fresh pipeline of these stages, published."""
    from exports import attempts
    from pipelines import publishing
    from pipelines.models import Schema

    draft = pipeline(*stages, **pipeline_values)
    publishing.publish(draft, by=owner())
    of_fields = None
    if schema is not None:
        of_fields = Schema.own(name=f"Schema {next(_numbers)}", content=schema)
        of_fields.save()
    draft.refresh_from_db()
    return attempts.start(document(queue(pipeline=draft, schema=of_fields), fields), by=owner())
