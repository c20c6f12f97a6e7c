from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0003_refusal_alert")]

    operations = [
        migrations.AddField(
            model_name="texting",
            name="earlier_tokens",
            field=models.JSONField(blank=True, default=list),
        ),
    ]
