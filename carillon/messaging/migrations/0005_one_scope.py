from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0004_earlier_tokens"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="texting",
            name="texting_choices_are_known",
        ),
        migrations.RemoveField(
            model_name="texting",
            name="scope",
        ),
        migrations.AddConstraint(
            model_name="texting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("answers_help__in", ["we", "carrier"]), ("confirms__in", ["carrier", "we"])
                ),
                name="texting_choices_are_known",
            ),
        ),
    ]
