"""The addresses that Rossum's hooks call in the place of its own export extensions. Thin: exports/extensions works."""
