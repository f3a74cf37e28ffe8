"""The replies that the API keeps by their Idempotency-Key."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("exports", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiReply",
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
                ("actor", models.CharField(help_text="The principal: a key is one caller's own.", max_length=300)),
                ("key", models.CharField(max_length=255)),
                (
                    "fingerprint",
                    models.CharField(help_text="sha256 of method, path and content of the request.", max_length=64),
                ),
                ("status", models.PositiveSmallIntegerField(null=True)),
                (
                    "headers",
                    models.JSONField(default=dict, help_text="Those that belong to the reply: ETag, Location."),
                ),
                ("body", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "actor", "key"), name="one_reply_a_key")
                ],
            },
        ),
    ]
