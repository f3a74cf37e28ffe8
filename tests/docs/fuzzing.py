"""What schemathesis is told besides its settings: it loads this module by SCHEMATHESIS_HOOKS."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import schemathesis

LONGEST = 1000
"""Characters of a query. Web servers answer longer addresses themselves (gunicorn: 4,094), before any API is asked."""


@schemathesis.hook
def filter_query(context: Any, query: Any) -> bool:
    return len(urlencode(query or {}, doseq=True)) <= LONGEST
