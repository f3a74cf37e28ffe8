import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Files that came with a document beside its original."""

    dependencies = [("accounts", "0004_access_tokens"), ("exports", "0019_repeats_to_the_byte")]

    operations = [
        migrations.CreateModel(
            name="ReceivedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.CharField(
                        max_length=200, help_text="received.1.2: the second file of the delivery's first part."
                    ),
                ),
                ("position", models.PositiveIntegerField(help_text="Among the files of its document, from 1.")),
                ("folder", models.CharField(blank=True, max_length=1000)),
                ("name", models.CharField(max_length=255)),
                ("media_type", models.CharField(max_length=100)),
                ("text", models.BooleanField(default=False, help_text="UTF-8, lines ended by a line feed.")),
                ("size", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("replaced_at", models.DateTimeField(help_text="It came again, changed; kept until a purge.", null=True)),
                (
                    "content",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="exports.content"
                    ),
                ),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="received", to="exports.document"
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
                "ordering": ["document", "position"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["document", "key"],
                        condition=models.Q(("replaced_at__isnull", True)),
                        name="one_received_file_a_key",
                    )
                ],
            },
        ),
    ]
