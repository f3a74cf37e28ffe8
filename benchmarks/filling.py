"""A Waybill full of history for benchmarks: organizations' years of documents, attempts, exchanges and failures.

Rows are made from the models' own columns and defaults and go in by COPY (PostgreSQL) or executemany (SQLite), in the
states that the engine leaves them in: most documents exported at the first or second try, some failing for one of a
few dozen causes, a few under way."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

CAUSES = [
    ("rejected", "Submit", 422, "Supplier {n} is unknown."),
    ("rejected", "Submit", 422, "The amount {n}.00 does not match the order."),
    ("rejected", "Submit", 409, "Invoice {n} was booked already."),
    ("rejected", "Submit", 400, "Cost centre {n} is closed."),
    ("exhausted", "Create draft", 503, "The ERP answered 503 five times."),
    ("exhausted", "Upload", None, "files.example refused the connection."),
    ("timeout", "Wait for the receipt", None, "Nothing was heard from the client before the deadline."),
    ("misconfigured", "Create draft", 401, "The token was refused: invalid_client."),
    ("unconfirmed", "Submit", None, "erp.example took the request but did not answer in 30 s."),
    ("internal", "Render", None, "An internal error."),
]
SUPPLIERS = [f"Supplier {number} {form}" for number in range(400) for form in ("Ltd", "GmbH", "s.r.o.")]


class Sink:
    """Rows of one model into its table, in batches."""

    def __init__(self, model: type[Model], *varying: str) -> None:
        self.model = model
        fields = list(model._meta.concrete_fields)
        self.columns = [field.column for field in fields]
        self.names = [field.attname for field in fields]
        self.fixed = [self._plain(field, field.get_default()) for field in fields]
        self.at = {name: self.names.index(name) for name in varying}
        self.fields = {field.attname: field for field in fields}
        self.rows: list[list[Any]] = []

    @staticmethod
    def _plain(field: Any, value: Any) -> Any:
        if field.get_internal_type() == "JSONField" and value is not None:
            return json.dumps(value)
        return str(value) if isinstance(value, UUID) else value

    def add(self, **values: Any) -> None:
        row = list(self.fixed)
        for name, value in values.items():
            row[self.at[name]] = value
        self.rows.append(row)
        if len(self.rows) >= 20_000:
            self.flush()

    def flush(self) -> None:
        rows, self.rows = self.rows, []
        if not rows:
            return
        names = ", ".join(f'"{column}"' for column in self.columns)
        table = self.model._meta.db_table
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                marks = ", ".join("?" for _ in self.columns)
                plain = [[_sqlite(value) for value in row] for row in rows]
                cursor.connection.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', plain)


def _sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    if isinstance(value, date | Decimal):
        return str(value)
    if isinstance(value, bool):
        return int(value)
    return value.replace("-", "") if isinstance(value, str) and len(value) == 36 and value.count("-") == 4 else value


def _uuid(kind: int, number: int) -> str:
    """Like a uuid7: ascending, as the engine's are."""
    return f"{kind:04x}{number >> 32:04x}-{(number >> 16) & 0xFFFF:04x}-7{number & 0xFFF:03x}-8000-{number:012x}"


class Filling:
    """Fills one organization. `attempts` in all, five exchanges each; `open_share` of the documents stand failed."""

    def __init__(self, attempts: int, *, open_share: float = 0.05, say: Callable[[str], None] = print) -> None:
        self.attempts = attempts
        self.open_share = open_share
        self.say = say
        self.random = random.Random(7)

    def run(self) -> dict[str, Any]:
        """Everything; returns what the pages are asked about."""
        from accounts import scope
        from tests import builders, desk

        organization = builders.organization("Bench")
        with scope.to(organization.pk):
            destinations = [builders.destination(name) for name in ("ERP", "Archive", "Bank", "Tax office")]
            queues = [builders.queue(f"Invoices {n}", pipeline=desk.pipeline(f"To the ERP {n}")) for n in range(4)]
            groups = self._groups(organization, destinations, queues)
            self._rows(organization, destinations, queues, groups)
            self._sequences()
        return {"organization": organization, "queues": queues, "groups": groups, "destinations": destinations}

    def _groups(self, organization: Any, destinations: list[Any], queues: list[Any]) -> list[Any]:
        from exports.models import FailureGroup

        made = []
        for number in range(40):
            reason, stage, code, text = CAUSES[number % len(CAUSES)]
            group = FailureGroup(
                organization=organization, signature=f"{number:064x}", reason=reason, stage=stage, code=code,
                pattern=text.replace("{n}", "…"), sample=text.replace("{n}", "4711"),
                destination=destinations[number % 4], pipeline=queues[number % 4].pipeline,
                revision=queues[number % 4].pipeline.published,
            )  # fmt: skip
            group.save()
            made.append(group)
        return made

    def _rows(self, organization: Any, destinations: list[Any], queues: list[Any], groups: list[Any]) -> None:  # noqa: PLR0915 (one row after the other)
        from exports.models import Attempt, Document, Exchange, FieldsVersion, FieldValue, ReplyText, StageRun

        now = datetime.now(UTC)
        own = organization.pk
        documents = Sink(Document, "id", "organization_id", "queue_id", "external_id", "status", "fields_id",
                         "file_name", "created_at", "modified_at", "exported_at", "export_failed_at", "unindexed",
                         "media_type")  # fmt: skip
        versions = Sink(FieldsVersion, "id", "organization_id", "document_id", "number", "content", "by", "at")
        attempts = Sink(Attempt, "id", "organization_id", "document_id", "revision_id", "number", "repeats_id",
                        "lineage", "trigger", "requested_by", "state", "reason", "stage", "message", "http_status",
                        "group_id", "resolution", "resolved_at", "lane", "due_at", "created_at", "started_at",
                        "finished_at")  # fmt: skip
        runs = Sink(StageRun, "id", "organization_id", "attempt_id", "name", "kind", "position", "state", "begun_at",
                    "finished_at", "reason", "note")  # fmt: skip
        exchanges = Sink(Exchange, "id", "organization_id", "run_id", "attempt_id", "purpose", "method", "url",
                         "status", "begun_at", "ended_at", "timings", "reply_size", "request_size")  # fmt: skip
        values = Sink(FieldValue, "id", "organization_id", "document_id", "name", "text", "shown", "number", "date")
        replies = Sink(ReplyText, "organization_id", "attempt_id", "text", "words")
        tables = [documents, versions, attempts, runs, exchanges, values, replies]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET session_replication_role = replica")  # foreign keys hold by construction
            else:
                cursor.execute("PRAGMA foreign_keys = OFF")
                cursor.execute("PRAGMA synchronous = OFF")
        attempt = document = value = 0
        period = timedelta(days=60)
        timings = json.dumps({"dns": 1, "connect": 4, "tls": 11, "first_byte": 60, "total": 81})
        while attempt < self.attempts:
            document += 1
            queue = queues[document % 4]
            at = now - period * (1 - attempt / self.attempts)
            open_failure = self.random.random() < self.open_share
            tries = 1 + (self.random.random() < 0.9) + (self.random.random() < 0.1)
            status = "failed_export" if open_failure else "exported"
            amount = Decimal(self.random.randrange(100, 900_000)) / 100
            supplier = self.random.choice(SUPPLIERS)
            number = f"INV-{document:08d}"
            versions.add(id=document, organization_id=own, document_id=document, number=1, by="import", at=at,
                         content=json.dumps([{"category": "section", "schema_id": "header", "children": []}]))  # fmt: skip
            for tried in range(tries):
                attempt += 1
                last = tried == tries - 1
                fails = open_failure or not last
                place = self.random.randrange(len(groups))
                group = groups[place] if fails else None
                reason, stage, code, text = CAUSES[place % len(CAUSES)] if fails else ("", "", 201, "")
                message = text.replace("{n}", str(attempt))
                resolution = "" if not fails or last else "sent_again"
                ended = at + timedelta(minutes=tried, seconds=2)
                attempts.add(
                    id=attempt, organization_id=own, document_id=document, revision_id=queue.pipeline.published.pk,
                    number=tried + 1, repeats_id=attempt - 1 if tried else None,
                    lineage=attempt - tried if tried else None, trigger="person" if tried else "automatic",
                    requested_by="user:anna", state="failed" if fails else "succeeded", reason=reason, stage=stage,
                    message=message, http_status=code, group_id=group.pk if group else None, resolution=resolution,
                    resolved_at=ended if resolution else None, lane=f"{own}/{destinations[place % 4].pk}", due_at=at,
                    created_at=at, started_at=at, finished_at=ended,
                )  # fmt: skip
                for position, name in enumerate(("Create draft", "Submit")):
                    run = _uuid(1, attempt * 2 + position)
                    runs.add(id=run, organization_id=own, attempt_id=attempt, name=name, kind="rest_api",
                             position=position, state="failed" if fails and position else "finished", begun_at=at,
                             finished_at=ended, reason=reason if position else "", note=message if position else "")  # fmt: skip
                    for exchange in range(3 if position else 2):
                        exchanges.add(
                            id=_uuid(2, attempt * 5 + position * 2 + exchange), organization_id=own, run_id=run,
                            attempt_id=attempt, purpose="request", method="POST",
                            url=f"https://erp.example/invoices/{attempt}", status=code or 200, begun_at=at,
                            ended_at=ended, timings=timings, reply_size=812, request_size=2104,
                        )  # fmt: skip
                said = message or f"booked as {attempt + 7_000_000}"
                replies.add(organization_id=own, attempt_id=attempt, text=said, words=said.casefold())
            documents.add(
                id=document, organization_id=own, queue_id=queue.pk, external_id=f"doc-{document}", status=status,
                fields_id=document, file_name=f"{number}.pdf", media_type="application/pdf", created_at=at,
                modified_at=at, exported_at=None if open_failure else at, export_failed_at=at if open_failure else None,
                unindexed=False,
            )  # fmt: skip
            for name, shown, figure, day in (
                ("invoice_id", number, None, None),
                ("sender_name", supplier, None, None),
                ("amount_total", str(amount), amount, None),
                ("date_due", str(at.date()), None, at.date()),
            ):
                value += 1
                values.add(id=value, organization_id=own, document_id=document, name=name, text=shown.casefold()[:200],
                           shown=shown, number=figure, date=day)  # fmt: skip
            if document % 50_000 == 0:
                self.say(f"  {document:,} documents, {attempt:,} attempts")
        for sink in tables:
            sink.flush()
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET session_replication_role = DEFAULT")
            else:
                cursor.execute("PRAGMA foreign_keys = ON")

    def _sequences(self) -> None:
        """Ids that were given are taken; the planner learns what is there."""
        from exports.models import Attempt, Document, FieldsVersion, FieldValue

        with connection.cursor() as cursor:
            if connection.vendor != "postgresql":
                cursor.execute("ANALYZE")
                return
            for model in (Attempt, Document, FieldsVersion, FieldValue):
                table = model._meta.db_table
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
            cursor.execute("VACUUM ANALYZE")
