"""The database itself refuses to change or delete an entry of the audit log.

A row is refused by a trigger, on PostgreSQL and on SQLite. Emptying the whole table by TRUNCATE, which PostgreSQL grants to the
table's owner alone, is not: a role for the service that does not own the table is what keeps an intruder from it.
"""

from django.db import migrations

POSTGRESQL = (
    """
    CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'The audit log is append-only.' USING ERRCODE = 'integrity_constraint_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE ON auditlog_logentry
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only()
    """,
)
POSTGRESQL_BACK = (
    "DROP TRIGGER audit_log_is_append_only ON auditlog_logentry",
    "DROP FUNCTION audit_log_is_append_only()",
)
SQLITE = tuple(
    f"""
    CREATE TRIGGER audit_log_is_append_only_{verb.lower()} BEFORE {verb} ON auditlog_logentry
    BEGIN SELECT RAISE(ABORT, 'The audit log is append-only.'); END
    """
    for verb in ("UPDATE", "DELETE")
)
SQLITE_BACK = tuple(f"DROP TRIGGER audit_log_is_append_only_{verb}" for verb in ("update", "delete"))


def forbid(apps, schema_editor):
    run(schema_editor, POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE)


def allow(apps, schema_editor):
    run(schema_editor, POSTGRESQL_BACK if schema_editor.connection.vendor == "postgresql" else SQLITE_BACK)


def run(schema_editor, statements):
    for statement in statements:
        schema_editor.execute(statement)


class Migration(migrations.Migration):

    dependencies = [
        ("staff", "0001_initial"),
        ("auditlog", "0017_add_actor_email"),
    ]

    operations = [migrations.RunPython(forbid, allow)]
