"""The part of `carillon migrate` that needs Django."""

from django.core.management import call_command
from django.db import connection, transaction

from carillon.accounts.actions import ensure_first_workspace

# Any number that no other advisory lock of ours uses: two machines may start at the same moment.
MIGRATION_LOCK = 7_160_001


def bring_up_to_date() -> str:
    """Migrate, and return the name of the first workspace, made if there was none."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            call_command("migrate", interactive=False, verbosity=0)
            with transaction.atomic():
                return str(ensure_first_workspace().name)
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", [MIGRATION_LOCK])
