from django.db import migrations, models

# The id of a Salesforce user (005) or queue (00G) has a 15- and an 18-character form, and its capitals count.
USER_KEY = """
create function user_key(value text) returns text language sql immutable parallel safe
return case
    when length(value) in (15, 18) and left(value, 3) in ('005', '00G') then left(value, 15)
    else lower(value)
end
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_retention")]

    operations = [
        migrations.RunSQL(USER_KEY, "drop function user_key(text)"),
        migrations.RemoveConstraint(model_name="member", name="member_user_id_unique_in_workspace"),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.UniqueConstraint(
                models.F("workspace"),
                models.Func("user_id", function="user_key"),
                name="member_user_id_unique_in_workspace",
                condition=models.Q(("user_id", ""), _negated=True),
            ),
        ),
    ]
