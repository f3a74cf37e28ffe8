"""Django's backend for SQLite, where writers of several processes take turns (docs/decisions)."""
