"""How fast the desk's pages answer when the tables are full: milliseconds on the server, and queries.

    python -m benchmarks.desk [--attempts 1000000] [--sqlite] [--plans] [--again 7] [--only WORDS]

PostgreSQL with 1,000,000 attempts and 5,000,000 exchanges (SQLite: 100,000 and 500,000) unless told otherwise. Each
page is asked for through Django's own client as an owner, once to warm up and then `again` times; the median counts.
What is over 300 ms is marked; with `--plans` the plans of its slowest query are printed."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from typing import Any

MOST_MS = 300
"""Server time that no page may take at the median (issue of the failed-export desk)."""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--attempts", type=int)
    options.add_argument("--sqlite", action="store_true")
    options.add_argument("--plans", action="store_true")
    options.add_argument("--again", type=int, default=7)
    options.add_argument("--only", default="", help="pages whose name contains this")
    given = options.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")))
        os.environ |= {"WAYBILL_DATA": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
        if "BENCH_DATABASE_URL" in os.environ:
            os.environ["DATABASE_URL"] = os.environ["BENCH_DATABASE_URL"]
        elif given.sqlite:
            os.environ.pop("DATABASE_URL", None)
        else:
            from tests.servers import postgres

            os.environ["DATABASE_URL"] = stack.enter_context(postgres.running())
        import django

        django.setup()
        return _measure(given)


def _measure(given: argparse.Namespace) -> int:
    from django.core.management import call_command
    from django.db import connection

    from benchmarks.filling import Filling

    call_command("migrate", verbosity=0)
    attempts = given.attempts or (100_000 if given.sqlite else 1_000_000)
    print(f"{connection.vendor}: {attempts:,} attempts, {attempts * 5:,} exchanges", flush=True)
    began = time.monotonic()
    known = _known()
    if known is None:
        known = Filling(attempts).run()
        _settle(known)
    print(f"  filled in {time.monotonic() - began:.0f} s", flush=True)
    slow = [name for name, address in _pages(known) if given.only in name and not _page(name, address, known, given)]
    print(f"over {MOST_MS} ms: {', '.join(slow) or 'none'}")
    return 1 if slow else 0


def _known() -> dict[str, Any] | None:
    """What an earlier run left in BENCH_DATABASE_URL's database."""
    from accounts import scope
    from accounts.models import Organization
    from exports.models import FailureGroup
    from pipelines.models import Destination, Queue

    organization = Organization.objects.filter(name="Bench").first()
    if organization is None:
        return None
    with scope.to(organization.pk):
        return {
            "organization": organization,
            "queues": list(Queue.objects.order_by("pk")),
            "groups": list(FailureGroup.objects.order_by("pk")),
            "destinations": list(Destination.objects.order_by("pk")),
        }


def _settle(known: dict[str, Any]) -> None:
    """What the sweep would have done by now: the counts behind the charts."""

    from accounts import scope
    from exports import sweep

    with scope.to(known["organization"].pk):
        for _ in range(90):
            sweep.run()


def _pages(known: dict[str, Any]) -> list[tuple[str, str]]:
    from django.urls import reverse

    from accounts import scope
    from exports.models import Attempt, Document

    with scope.to(known["organization"].pk):
        middle = Attempt.objects.count() // 2
        document = Document.objects.filter(status="failed_export").order_by("pk").first()
        attempt = Attempt.objects.filter(document=document).order_by("-number").first()
    assert document is not None, "the filling makes failures"
    assert attempt is not None
    attempts, documents = reverse("admin:exports_attempt_changelist"), reverse("admin:exports_document_changelist")
    group = known["groups"][0].pk
    return [
        ("home", reverse("admin:index")),
        ("groups", reverse("admin:exports_failuregroup_changelist")),
        ("group", reverse("admin:exports_failuregroup_change", args=[group])),
        ("attempts", attempts),
        ("attempts: open", f"{attempts}?open=1"),
        ("attempts: group", f"{attempts}?group={group}&open=1"),
        ("attempts: reason", f"{attempts}?reason=rejected"),
        ("attempts: reason, code, since", f"{attempts}?reason=rejected&code=422&since=7d"),
        ("attempts: field", f"{attempts}?field.invoice_id=INV-00000042"),
        ("attempts: field prefix", f"{attempts}?field.sender_name=supplier+39*"),
        ("attempts: amount range", f"{attempts}?field.amount_total=1000..1010"),
        ("attempts: words of the reply", f"{attempts}?reply=supplier+unknown&open=1"),
        ("attempts: search", f"{attempts}?q=INV-00000042"),
        ("attempts: search by words", f"{attempts}?q=supplier+unknown"),
        ("documents", documents),
        ("documents: exported", f"{documents}?tab=exported"),
        ("documents: failed", f"{documents}?tab=failed"),
        ("documents: to review", f"{documents}?tab=to_review"),
        ("documents: search", f"{documents}?q=INV-00000042"),
        ("documents: supplier", f"{documents}?q=supplier+39"),
        ("document", reverse("admin:exports_document_change", args=[document.pk])),
        ("attempt", reverse("admin:exports_attempt_change", args=[attempt.pk])),
        ("attempt in the middle", reverse("admin:exports_attempt_change", args=[middle])),
        ("bulk preview: group", f"{reverse('admin:exports_job_new')}?verb=requeue&group={group}&open=1"),
        ("bulk preview: all open", f"{reverse('admin:exports_job_new')}?verb=requeue&open=1"),
        ("jobs", reverse("admin:exports_job_changelist")),
        ("API attempts", "/api/v1/attempts?state=failed"),
        ("API documents", "/api/v1/documents"),
    ]


def _page(name: str, address: str, known: dict[str, Any], given: argparse.Namespace) -> bool:
    """Ask, print a line; False where it is too slow or did not answer."""
    from django.db import connection
    from django.test import Client

    asked: list[tuple[float, str, Any]] = []

    def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 (Django's)
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            asked.append((time.perf_counter() - began, sql, params))

    client = Client(HTTP_HOST="localhost")
    client.force_login(_reader(known))
    session = client.session
    session["organization"] = known["organization"].pk
    session.save()
    with connection.execute_wrapper(listen):
        answer = client.get(address)
    if answer.status_code != 200:
        print(f"  {name:34} answered {answer.status_code}: {answer.headers.get('Location', '')}")
        return False
    times = []
    for _ in range(given.again):
        began = time.perf_counter()
        _whole(client.get(address))
        times.append((time.perf_counter() - began) * 1000)
    median = statistics.median(times)
    slowest = max((seconds for seconds, *_ in asked), default=0) * 1000
    mark = "  ← slow" if median > MOST_MS else ""
    print(
        f"  {name:34} {median:8.0f} ms  {len(asked):3} queries  slowest {slowest:6.0f} ms{mark}",
        flush=True,
    )
    if given.plans and median > MOST_MS:
        _explain(asked)
    return median <= MOST_MS


def _whole(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def _reader(known: dict[str, Any]) -> Any:
    from accounts.models import Membership, User

    user, made = User.objects.get_or_create(username="bench", defaults={"is_staff": True})
    if made:
        Membership.objects.create(user=user, organization=known["organization"], role="owner")
    return user


def _explain(asked: list[tuple[float, str, Any]]) -> None:
    from django.db import connection

    for seconds, sql, params in sorted(asked, key=lambda query: -query[0])[:2]:
        print(f"    {seconds * 1000:.0f} ms", sql[:1500], str(params)[:300])
        if connection.vendor == "postgresql" and sql.startswith(("SELECT", "WITH")):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
                for (line,) in cursor.fetchall()[:30]:
                    print("       ", line)


if __name__ == "__main__":
    sys.exit(main())
