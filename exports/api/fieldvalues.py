"""Asking the database for documents by a captured value: `field.<schema_id>=text`, anywhere in the tree of fields."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, Func, IntegerField, Value


class HasValue(Func):
    """Whether the JSON tree holds a datapoint with this schema id whose value, as displayed or normalized, is this."""

    output_field = BooleanField()
    arity = 3

    def __init__(self, sections: Any, schema_id: str, text: str) -> None:
        super().__init__(sections, Value(schema_id), Value(text))

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        # The third expression stands twice, so its parameter does too.
        tree, name, text = (compiler.compile(part) for part in self.get_source_expressions())
        sql = (
            f"EXISTS (SELECT 1 FROM json_tree({tree[0]}) AS node WHERE node.type = 'object'"  # noqa: S608  compiled parts
            f" AND json_extract(node.value, '$.schema_id') = {name[0]}"
            f" AND {text[0]} IN (json_extract(node.value, '$.content.value'),"
            f" json_extract(node.value, '$.content.normalized_value')))"
        )
        return sql, [*tree[1], *name[1], *text[1]]

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:
        tree, name, text = (compiler.compile(part) for part in self.get_source_expressions())
        path = "$.** ? (@.schema_id == $name && (@.content.value == $text || @.content.normalized_value == $text))"
        variables = f"jsonb_build_object('name', {name[0]}::text, 'text', {text[0]}::text)"
        sql = f"jsonb_path_exists({tree[0]}, '{path}', {variables})"
        return sql, [*tree[1], *name[1], *text[1]]


class Length(Func):
    """How many items a JSON list has, without reading it."""

    output_field = IntegerField()
    function = "JSON_ARRAY_LENGTH"
    arity = 1

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, function="JSONB_ARRAY_LENGTH", **extra)
