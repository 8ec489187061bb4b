"""Many rows as one parameter of a statement."""

from collections.abc import Sequence
from typing import Any

import msgspec


def record_set(rows: Sequence[dict[str, Any]]) -> str:
    """Rows for `jsonb_to_recordset`; times as RFC 3339."""
    return msgspec.json.encode(rows).decode()
