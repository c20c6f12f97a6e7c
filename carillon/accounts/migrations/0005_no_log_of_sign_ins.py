"""Sign-ins are not logged any more, and nothing would ever delete what was."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_keep_texts"),
        ("axes", "0010_accessattemptexpiration"),
    ]

    operations = [
        migrations.RunSQL("delete from axes_accesslog", migrations.RunSQL.noop),
    ]
