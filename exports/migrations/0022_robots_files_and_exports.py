import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """What robots leave here: files, relations, uploads, and the sets that their exports read on."""

    dependencies = [
        ("accounts", "0004_access_tokens"),
        ("exports", "0021_client_tasks"),
        ("pipelines", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DocumentRelation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(help_text="edit, attachment or duplicate.", max_length=20)),
                ("key", models.CharField(blank=True, max_length=255)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("documents", models.ManyToManyField(related_name="relations", to="exports.document")),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="exports.document"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="FileRelation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(help_text="export or einvoice.", max_length=20)),
                ("key", models.CharField(blank=True, max_length=255)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="file_relations",
                        to="exports.document",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RobotFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("file_name", models.CharField(blank=True, max_length=255)),
                ("media_type", models.CharField(blank=True, max_length=100)),
                ("metadata", models.JSONField(blank=True, default=dict)),
                (
                    "parent",
                    models.BigIntegerField(help_text="The wire id of the document that it came out of.", null=True),
                ),
                ("created_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "content",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="exports.content"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="RelatedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "original",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="exports.document"
                    ),
                ),
                (
                    "relation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files", to="exports.filerelation"
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="related",
                        to="exports.robotfile",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="RobotUpload",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_by", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("documents", models.ManyToManyField(related_name="+", to="exports.document")),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "queue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="pipelines.queue"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ExportSet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("caller", models.CharField(help_text="The token that asked.", max_length=100)),
                ("query", models.CharField(help_text="sha256 of what was asked, but for the page.", max_length=64)),
                (
                    "key",
                    models.CharField(
                        blank=True, help_text="The robot's Idempotency-Key, if it sent one.", max_length=255
                    ),
                ),
                ("ids", models.JSONField(default=list, help_text="Of the documents, in their order.")),
                ("there", models.JSONField(default=list, help_text="Those that were exporting or exported before.")),
                ("moved", models.JSONField(default=list, help_text="Those that this run has moved.")),
                (
                    "handed",
                    models.JSONField(default=list, help_text="Those of them that its robot has got to know of."),
                ),
                ("begun_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ("touched_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("answered_at", models.DateTimeField(help_text="Its last reply was written to the end.", null=True)),
                (
                    "paged",
                    models.BooleanField(default=False, help_text="A later page was asked for: the first one arrived."),
                ),
                (
                    "repeats",
                    models.PositiveIntegerField(
                        default=0, help_text="Runs in a row that were taken for this one again."
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "queue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="pipelines.queue"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["queue", "caller", "query", "-id"], name="export_set_of_a_run")],
            },
        ),
        migrations.AddConstraint(
            model_name="filerelation",
            constraint=models.UniqueConstraint(fields=("document", "kind", "key"), name="one_file_relation_a_key"),
        ),
        migrations.AddConstraint(
            model_name="relatedfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("file", None), ("original__isnull", False)),
                    models.Q(("file__isnull", False), ("original", None)),
                    _connector="OR",
                ),
                name="a_related_file_is_one",
            ),
        ),
    ]
