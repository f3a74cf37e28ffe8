from django.db import migrations, models


class Migration(migrations.Migration):
    """The defaults are for the way back: rows that are there then need a value."""

    dependencies = [("exports", "0009_items_of_earlier_jobs")]

    operations = [
        migrations.AlterField("job", "subjects", models.JSONField(default=list)),
        migrations.RemoveField("job", "subjects"),
        migrations.RemoveField("job", "outcomes"),
    ]
