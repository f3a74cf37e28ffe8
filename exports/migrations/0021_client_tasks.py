"""What is offered to outside clients: tasks and their files."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import exports.ids
import exports.states


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_access_tokens"),
        ("exports", "0020_files_that_came"),
    ]

    operations = [
        migrations.CreateModel(
            name="ClientTask",
            fields=[
                ("id", models.UUIDField(default=exports.ids.uuid7, primary_key=True, serialize=False)),
                (
                    "collection",
                    models.UUIDField(
                        default=uuid.uuid4, help_text="Its file collection, as clients know it.", unique=True
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("action", models.CharField(max_length=20)),
                ("documents_count", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=exports.states.task_choices, default=exports.states.TaskState["OFFERED"], max_length=20
                    ),
                ),
                (
                    "timeout_minutes",
                    models.PositiveIntegerField(help_text="How long whoever has taken it may be silent."),
                ),
                (
                    "again",
                    models.BooleanField(help_text="After a silence it is offered again; else its outcome is unknown."),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("give_up_at", models.DateTimeField()),
                ("starts", models.PositiveIntegerField(default=0)),
                (
                    "silences",
                    models.PositiveIntegerField(default=0, help_text="Clients that took it and never reported."),
                ),
                ("started_at", models.DateTimeField(null=True)),
                ("started_by", models.CharField(blank=True, max_length=200)),
                (
                    "silent_at",
                    models.DateTimeField(help_text="When whoever has it has been silent for too long.", null=True),
                ),
                ("holder", models.CharField(blank=True, help_text="The credential that took it.", max_length=80)),
                (
                    "idempotency_key",
                    models.CharField(blank=True, help_text="Of the request that took it.", max_length=255),
                ),
                ("former_holders", models.JSONField(default=list, help_text="Credentials that fell silent with it.")),
                ("outcome", models.CharField(blank=True, help_text="completed, failed or silent.", max_length=20)),
                ("message", models.TextField(blank=True)),
                ("reported_by", models.CharField(blank=True, max_length=200)),
                (
                    "answered",
                    models.BooleanField(default=False, help_text="The attempt has been woken with the outcome."),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="client_tasks", to="exports.attempt"
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
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="client_task", to="exports.stagerun"
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "id"],
                "permissions": [("act_clienttask", "Can take a client's task and report on it")],
            },
        ),
        migrations.CreateModel(
            name="ClientFile",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("position", models.PositiveIntegerField()),
                ("document", models.PositiveIntegerField(help_text="In which document of the task it stands, from 1.")),
                ("folder", models.TextField(blank=True)),
                ("filename", models.CharField(max_length=255)),
                ("inline", models.BooleanField(help_text="Its text stands in the specification.")),
                ("media_type", models.CharField(max_length=100)),
                (
                    "content",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="exports.content"
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
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files", to="exports.clienttask"
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.AddIndex(
            model_name="clienttask",
            index=models.Index(fields=["organization", "state", "created_at"], name="clienttask_by_state"),
        ),
        migrations.AddIndex(
            model_name="clienttask",
            index=models.Index(
                condition=models.Q(("state", exports.states.TaskState["STARTED"])),
                fields=["silent_at"],
                name="clienttask_silent",
            ),
        ),
        migrations.AddIndex(
            model_name="clienttask",
            index=models.Index(
                condition=models.Q(("state", exports.states.TaskState["REPORTED"])),
                fields=["answered"],
                name="clienttask_reported",
            ),
        ),
        migrations.AddIndex(
            model_name="clienttask",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False)), fields=["ended_at"], name="clienttask_ended"
            ),
        ),
    ]
