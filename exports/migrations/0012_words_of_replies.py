"""The full-text index of replies, in each database's own way (docs/decisions, search)."""

from typing import Any

from django.db import migrations

POSTGRESQL = (
    "CREATE INDEX reply_by_word ON exports_replytext USING gin (array_to_tsvector(string_to_array(words, ' ')))",
)
SQLITE = (
    "CREATE VIRTUAL TABLE exports_replytext_words USING fts5("
    "words, content='exports_replytext', content_rowid='attempt_id', tokenize='unicode61 remove_diacritics 0')",
    "CREATE TRIGGER exports_replytext_words_added AFTER INSERT ON exports_replytext BEGIN "
    "INSERT INTO exports_replytext_words(rowid, words) VALUES (new.attempt_id, new.words); END",
    "CREATE TRIGGER exports_replytext_words_gone AFTER DELETE ON exports_replytext BEGIN "
    "INSERT INTO exports_replytext_words(exports_replytext_words, rowid, words) "
    "VALUES ('delete', old.attempt_id, old.words); END",
    "CREATE TRIGGER exports_replytext_words_changed AFTER UPDATE ON exports_replytext BEGIN "
    "INSERT INTO exports_replytext_words(exports_replytext_words, rowid, words) "
    "VALUES ('delete', old.attempt_id, old.words); "
    "INSERT INTO exports_replytext_words(rowid, words) VALUES (new.attempt_id, new.words); END",
)
BACK_POSTGRESQL = ("DROP INDEX reply_by_word",)
BACK_SQLITE = (
    "DROP TRIGGER exports_replytext_words_changed",
    "DROP TRIGGER exports_replytext_words_gone",
    "DROP TRIGGER exports_replytext_words_added",
    "DROP TABLE exports_replytext_words",
)


def forth(_apps: Any, schema_editor: Any) -> None:
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def back(_apps: Any, schema_editor: Any) -> None:
    for statement in BACK_POSTGRESQL if schema_editor.connection.vendor == "postgresql" else BACK_SQLITE:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("exports", "0011_what_search_knows")]

    operations = [migrations.RunPython(forth, back)]
