"""Jobs from before there were items: each subject becomes one, and every such job has an end."""

from typing import Any

from django.db import migrations
from django.utils import timezone


def itemize(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    attempts = apps.get_model("exports", "Attempt").objects.using(alias)
    items = apps.get_model("exports", "JobItem").objects.using(alias)
    for job in apps.get_model("exports", "Job").objects.using(alias).iterator():
        known = dict(attempts.filter(pk__in=job.subjects).values_list("pk", "document_id"))
        rows = [
            items.model(
                organization_id=job.organization_id,
                job_id=job.pk,
                position=position,
                attempt_id=pk,
                document_id=known[pk],
                outcome="done" if position <= job.done else "",
            )
            for position, pk in enumerate(job.subjects, start=1)
            if known.get(pk) is not None
        ]
        items.bulk_create(rows, batch_size=500)
        over = job.finished_at is not None or job.cancelled_at is not None
        job.state = "running" if not over else "finished" if job.finished_at else "cancelled"
        job.total = job.todo = len(rows)
        job.done = min(job.done, len(rows))
        job.begun_at = job.created_at or timezone.now()
        job.save()


class Migration(migrations.Migration):
    """In a transaction of its own: PostgreSQL changes no table with rows pending."""

    dependencies = [("exports", "0008_bulk_jobs")]

    operations = [migrations.RunPython(itemize, migrations.RunPython.noop)]
