"""The barriers before the trail: triggers that refuse every UPDATE and DELETE, TRUNCATE too where the database has it.

They keep mistakes and stolen application passwords out. Whoever owns the database can drop them; that is what the
chain is for (audit/sealing.py). A migration that alters these tables must `put_up` again: SQLite builds such a table
anew, without its triggers.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

TABLES = ("audit_event", "audit_seal")
REFUSAL = "the audit trail is append-only"

_POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{REFUSAL}' USING HINT = TG_OP || ' on ' || TG_TABLE_NAME || ' was refused';
END $$
"""


def put_up(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for statement in statements(connection.vendor):
            cursor.execute(statement)


def take_down(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for statement in removals(connection.vendor):
            cursor.execute(statement)


def statements(vendor: str) -> list[str]:
    """SQL that makes the triggers, whether or not they are there. Raises ValueError for another database."""
    made = removals(vendor)
    if vendor == "sqlite":
        for table in TABLES:
            made += [
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
                for action in ("UPDATE", "DELETE")
            ]
        return made
    made.append(_POSTGRESQL_FUNCTION)
    for table in TABLES:
        row = f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW"
        whole = f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
        made.append(f"CREATE TRIGGER {table}_no_change {row} EXECUTE FUNCTION audit_refuse()")
        made.append(f"CREATE TRIGGER {table}_no_truncate {whole} EXECUTE FUNCTION audit_refuse()")
    return made


def removals(vendor: str) -> list[str]:
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {table}_no_{action}" for table in TABLES for action in ("update", "delete")]
    if vendor == "postgresql":
        dropped = [f"DROP TRIGGER IF EXISTS {t}_no_{what} ON {t}" for t in TABLES for what in ("change", "truncate")]
        return [*dropped, "DROP FUNCTION IF EXISTS audit_refuse()"]
    raise ValueError(f"Waybill runs on SQLite and PostgreSQL, not on {vendor}.")


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of the triggers that should be there and are not."""
    known = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'"
    )
    with connection.cursor() as cursor:
        cursor.execute(known)
        there = {name for (name,) in cursor.fetchall()}
    actions = ("update", "delete") if connection.vendor == "sqlite" else ("change", "truncate")
    return [name for table in TABLES for action in actions if (name := f"{table}_no_{action}") not in there]
