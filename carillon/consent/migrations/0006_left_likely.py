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
        migrations.AddIndex(
            model_name="recordvalue",
            index=models.Index(
                condition=models.Q(left_likely__isnull=False),
                fields=["workspace", "left_likely"],
                name="record_value_left_likely",
            ),
        ),
    ]
