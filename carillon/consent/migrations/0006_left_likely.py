from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("consent", "0005_audit_tells_all"),
    ]

    operations = [
        migrations.AddField(
            model_name="recordvalue",
            name="left_likely",
            field=models.DateTimeField(null=True),
        ),
    ]
