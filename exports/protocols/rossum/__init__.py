"""Rossum's API at /rossum/api/v1/ and /rossum/v1/ (docs/protocols/rossum.md). Shapes live in exports/wire/rossum."""
