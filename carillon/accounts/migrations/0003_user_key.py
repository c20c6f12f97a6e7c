from django.db import migrations, models

from carillon.lib.errors import CarillonError

# The id of a Salesforce user (005) or queue (00G) has a 15- and an 18-character form, and its capitals count.
USER_KEY = """
create function user_key(value text) returns text language sql immutable parallel safe
return case
    when length(value) in (15, 18) and left(value, 3) in ('005', '00G') then left(value, 15)
    else lower(value)
end
"""


SAME_USER_ID = """
select string_agg(email, ' and ' order by email) from accounts_member where user_id <> ''
group by workspace_id, user_key(user_id) having count(*) > 1 limit 1
"""


def refuse_two_of_a_kind(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(SAME_USER_ID)
        if found := cursor.fetchone():
            raise CarillonError(
                f"{found[0]} have the same User ID: only its capitals differ, or the 15- and 18-character form of one"
                " Salesforce id. Nothing was upgraded.",
                "Give one of them another User ID, or none, with the version that ran until now; then migrate again.",
            )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_retention")]

    operations = [
        migrations.RunSQL(USER_KEY, "drop function user_key(text)"),
        migrations.RunPython(refuse_two_of_a_kind, migrations.RunPython.noop),
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
