"""The REST API under /api/v1/: thin, every change is a verb of the rooms behind it."""
