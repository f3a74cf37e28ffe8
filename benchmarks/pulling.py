"""Sets up a source with a pipeline that books at an ERP, counts what became of its claims, and settles what is unknown:
for `benchmarks/pulled.py`, in the environment of its run.

    python -m benchmarks.pulling prepare '{"kind": …, "config": …, "secrets": …, "erp": URL}'
    python -m benchmarks.pulling count
    python -m benchmarks.pulling settle '{"booked": [numbers]}'"""

from __future__ import annotations

import json
import sys
from collections import Counter

import django

django.setup()

from django.core.management import call_command  # noqa: E402  # after Django

from accounts import scope  # noqa: E402
from accounts.models import Organization  # noqa: E402
from accounts.policy import Principal  # noqa: E402
from exports import attempts, contents  # noqa: E402
from exports.models import Attempt, Claim, SourceState  # noqa: E402
from exports.sources import acts  # noqa: E402
from exports.states import ACTIVE, Reason, State  # noqa: E402
from pipelines import publishing, vault  # noqa: E402
from pipelines.fields import Content  # noqa: E402
from pipelines.models import Destination, Pipeline, Queue, Source, Stage  # noqa: E402


def prepare(given):
    call_command("migrate", verbosity=0)
    organization = Organization.objects.create(name="Chaos", slug="chaos")
    with scope.to(organization.pk):
        by = Principal.system("chaos", organization.pk)
        there = Destination.own(name="Loopback", allowed_networks=["127.0.0.1/32"])
        there.save()
        for name, value in given["secrets"].items():
            vault.put(name, value, by=by, destination=there)
        pipeline = Pipeline.own(name="Book")
        pipeline.save()
        request = {"url": given["erp"], "method": "POST", "headers": {"Content-Type": "text/plain"}}
        if key := given["reference_key"]:
            config = {"export_reference_key": key, "request": {**request, "content": "#{file_content}"}}
        else:
            config = {"request": {**request, "content": "@{number}"}}
        Stage.own(pipeline=pipeline, name="book", kind="rest_api", destination=there, config=json.dumps(config)).save()
        publishing.publish(pipeline, by=by)
        pipeline.refresh_from_db()
        queue = Queue.own(name="Pulled", pipeline=pipeline)
        queue.save()
        source = Source.own(
            name="Other side", kind=given["kind"], queue=queue, destination=there, config=given["config"],
            every_seconds=1, slowest_seconds=2,
        )  # fmt: skip
        acts.save(source, by=by)


def count(_given):
    errors = list(SourceState.unscoped.values_list("error", flat=True))
    print(json.dumps({
        "claims": Counter(Claim.unscoped.values_list("state", flat=True)),
        "active": Attempt.unscoped.filter(state__in=sorted(ACTIVE)).count(),
        "attempts": Attempt.unscoped.count(),
        "unconfirmed": Attempt.unscoped.filter(state=State.FAILED, reason=Reason.UNCONFIRMED, resolution="").count(),
        "errors": [error for error in errors if error],
    }))  # fmt: skip


def settle(given):
    """As a person does who looks at the ERP: what is booked there arrived, the rest is sent again."""
    booked = set(given["booked"])
    for attempt in Attempt.unscoped.filter(state=State.FAILED, reason=Reason.UNCONFIRMED, resolution=""):
        with scope.to(attempt.organization_id):
            by = Principal.system("chaos", attempt.organization_id)
            number = _number(attempt.document)
            there = number in booked
            attempts.settle(attempt, by=by, delivered=there, reference=number if there else "", why="Looked it up.")


def _number(document):
    """What the ERP was sent: the field, or else the first file that came with the document."""
    node = Content(document.fields.content).datapoint("number")
    if node is not None:
        return node["content"]["value"]
    return contents.blob(document.received.first().content).read().decode()


if __name__ == "__main__":
    {"prepare": prepare, "count": count, "settle": settle}[sys.argv[1]](json.loads(next(iter(sys.argv[2:]), "{}")))
