"""Refuse UPDATE and DELETE on the trail, and remember how far the sealer has come."""

from django.db import migrations, models

from audit import barriers


def put_up(apps, schema_editor):
    barriers.put_up(schema_editor.connection)


def take_down(apps, schema_editor):
    barriers.take_down(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Watermark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('settled', models.BigIntegerField(default=0, help_text='Every event up to this id is sealed, and none can appear.')),
                ('candidate', models.BigIntegerField(default=0, help_text='The next such id, once all that ran when it was seen ends.')),
                ('candidate_xid', models.BigIntegerField(default=0, help_text='PostgreSQL: the first transaction id of after that.')),
                ('candidate_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.RunPython(put_up, take_down),
    ]
