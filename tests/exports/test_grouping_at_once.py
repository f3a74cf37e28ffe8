"""Worker processes that fail of the same new causes at the same moment make one group a cause, with exact counts."""

from __future__ import annotations

import os
import subprocess
import sys
from urllib.parse import quote

import pytest
from django.db import connection

COMMON = """
import sys, time, django
django.setup()
from accounts import scope
from accounts.models import Organization
from django.db import OperationalError, transaction
from exports import grouping
from exports.models import Attempt, FailureGroup, FailureHour
from pipelines.definition import Definition
from pipelines.models import Pipeline, Revision
"""
PREPARE = """
acme = Organization.objects.create(name="At once", slug="at-once")
with scope.to(acme.pk):
    pipeline = Pipeline.own(name="P"); pipeline.save()
    made = Definition.build(pipeline.pk, [])
    revision = Revision.own(pipeline=pipeline, number=1, definition=made.dump(), digest=made.digest, published_by="x")
    revision.save()
    rows = Attempt.objects.bulk_create([Attempt(organization=acme, revision=revision, number=number, trigger="person",
        requested_by="x", lane="1/", state="failed", reason="rejected", stage="Send") for number in range(200)])
print(acme.pk, rows[0].pk)
"""
FAIL = """
owner, first, half = map(int, sys.argv[1:])
ids = [first + number for number in range(200) if number // 5 % 2 == half]
print("ready", flush=True)
sys.stdin.readline()
for begin in range(0, len(ids), 5):
    some = [grouping.Failure(pk, owner, "rejected", "Send", f"{'ABCDE'[pk % 5]} is unknown: {pk}") for pk in ids[begin:begin + 5]]
    while True:
        try:
            with transaction.atomic():
                grouping.find(some if half else some[::-1])
            break
        except OperationalError:
            time.sleep(0.02)
"""
COUNT = """
owner = int(sys.argv[1])
print(sorted(FailureGroup.unscoped.filter(organization=owner).values_list("attempts_seen", flat=True)),
    sum(FailureHour.unscoped.filter(organization=owner).values_list("attempts", flat=True)),
    Attempt.unscoped.filter(organization=owner, group=None).count())
"""


@pytest.fixture
def environment(transactional_db, tmp_path):
    """A database that several processes share: the test's own on PostgreSQL, else a file."""
    given = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    if connection.vendor == "postgresql":
        at = connection.settings_dict
        host = quote(str(at["HOST"]), safe="")
        login = f"{at['USER']}:{quote(str(at['PASSWORD']), safe='')}@" if at["USER"] else ""
        return {**given, "DATABASE_URL": f"postgresql://{login}{host}:{at['PORT'] or 5432}/{at['NAME']}"}
    given["DATABASE_URL"] = f"sqlite:///{tmp_path}/at-once.sqlite3"
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=given, check=True)
    return given


def run(script: str, environment, *arguments: str) -> str:
    command = [sys.executable, "-c", COMMON + script, *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.slow
def test_two_processes_make_one_group_a_cause(environment):
    owner, first = run(PREPARE, environment).split()
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", COMMON + FAIL, owner, first, half],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )
        for half in "01"
    ]  # fmt: skip
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"

    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()

    assert [worker.wait(90) for worker in workers] == [0, 0]
    assert run(COUNT, environment, owner) == "[40, 40, 40, 40, 40] 200 0"
    for worker in workers:
        worker.stdin.close()
        worker.stdout.close()
