from typing import Any

from django.db import migrations, models


def forth(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE STATISTICS attempt_standing (mcv) ON state, resolution, reason, http_status FROM exports_attempt"
        )


def back(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP STATISTICS attempt_standing")


class Migration(migrations.Migration):
    """Indexes from which the desk's lists are counted and searched without reading a row."""

    dependencies = [
        ("accounts", "0003_failed_tries"),
        ("exports", "0015_alerts"),
        ("pipelines", "0004_channels"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="fieldvalue",
            name="value_by_name",
        ),
        migrations.RemoveIndex(
            model_name="fieldvalue",
            name="value_by_text",
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", True)),
                fields=["organization", "created_at"],
                name="attempt_unfinished",
            ),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                fields=[
                    "organization",
                    "state",
                    "resolution",
                    "reason",
                    "http_status",
                    "group",
                    "stage",
                    "revision",
                    "lane",
                    "trigger",
                ],
                name="attempt_facets",
            ),
        ),
        migrations.AddIndex(
            model_name="fieldvalue",
            index=models.Index(
                condition=models.Q(("whole", True)),
                fields=["organization", "name", "text", "document"],
                name="value_by_name",
                opclasses=["int8_ops", "varchar_pattern_ops", "varchar_pattern_ops", "int8_ops"],
            ),
        ),
        migrations.AddIndex(
            model_name="fieldvalue",
            index=models.Index(
                fields=["organization", "text", "document"],
                name="value_by_text",
                opclasses=["int8_ops", "varchar_pattern_ops", "int8_ops"],
            ),
        ),
        # How a failure's columns go together: most failures are resolved, and a reason has few codes.
        migrations.RunPython(forth, back),
    ]
