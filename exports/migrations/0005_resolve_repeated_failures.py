"""Failures that were sent again or sent back before resolutions were kept: nobody has to act on them any more."""

from typing import Any

from django.db import migrations
from django.db.models import Q


def resolve(apps: Any, schema_editor: Any) -> None:
    attempts = apps.get_model("exports", "Attempt").objects.using(schema_editor.connection.alias)
    failed = attempts.filter(state="failed", resolution="")
    repeated = Q(pk__in=attempts.filter(repeats__isnull=False).values("repeats"))
    failed.filter(repeated | Q(document__status="exporting")).update(resolution="sent_again")
    failed.filter(document__status="exported").update(resolution="delivered")
    failed.exclude(document__status="failed_export").update(resolution="sent_back")


class Migration(migrations.Migration):
    """After the column, in a transaction of its own: PostgreSQL takes no change of a table with rows pending."""

    dependencies = [("exports", "0004_failure_groups")]

    operations = [migrations.RunPython(resolve, migrations.RunPython.noop)]
