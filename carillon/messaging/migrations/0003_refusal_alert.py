import django.db.models.deletion
from django.db import migrations, models

import carillon.lib.clock


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_keep_texts"),
        ("messaging", "0002_help_and_members"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefusalAlert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sentence", models.TextField()),
                ("remedy", models.TextField(blank=True, default="")),
                ("since", models.DateTimeField(default=carillon.lib.clock.now)),
                ("over_at", models.DateTimeField(null=True)),
                ("recovered", models.BooleanField(default=False)),
                ("mailed_at", models.DateTimeField(null=True)),
                ("recovery_mailed_at", models.DateTimeField(null=True)),
                ("mail_error", models.TextField(blank=True, default="")),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["over_at"], name="refusal_alert_by_end")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("over_at__isnull", True)),
                        fields=("workspace",),
                        name="refusal_alert_one_open",
                    )
                ],
            },
        ),
    ]
