from django.db import migrations

FORWARD = """
create function consent_ledger_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger of consent is append-only: % is refused', tg_op
        using hint = 'What was said is corrected by saying something new.';
end
$$;
create trigger consent_ledger_append_only before update or delete on consent_consentevent
    for each statement execute function consent_ledger_is_append_only();
create trigger consent_ledger_not_emptied before truncate on consent_consentevent
    for each statement execute function consent_ledger_is_append_only();
"""
BACKWARD = """
drop trigger consent_ledger_append_only on consent_consentevent;
drop trigger consent_ledger_not_emptied on consent_consentevent;
drop function consent_ledger_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("consent", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
