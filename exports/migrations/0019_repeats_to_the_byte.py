from django.db import migrations, models


class Migration(migrations.Migration):
    """Attempts that send exactly what the one that they repeat sent."""

    dependencies = [("exports", "0018_extension_calls")]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="frozen",
            field=models.BooleanField(
                default=False, help_text="It sends what the attempt that it repeats sent, to the byte."
            ),
        )
    ]
