"""Aluma's client-action protocol, served: robots that fetch what Aluma offers for export fetch it here instead
(docs/protocols/aluma.md). Thin: the verbs are exports/clienttasks.py, the shapes exports/wire/aluma.py."""
