"""A row -> the completion event that tells of it. Pure."""

import base64
import json
from datetime import UTC, datetime

from .poison_text import MAX_BYTES
from .row import Row
from .texts import cut

CUT_TEXT = 1_000
"""Code points of each text of an event that would be larger."""


def completion_event(row: Row) -> str:
    """The row as JSON in base64, as a queue-triggered function expects it; with its texts cut where it is too large."""
    event = _encoded({name: _plain(value) for name, value in row.items()})
    if len(event) <= MAX_BYTES:
        return event
    return _encoded({name: _cut(_plain(value)) for name, value in row.items()} | {"cut": True})


def _plain(value: str | int | datetime) -> str | int:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value


def _cut(value: str | int) -> str | int:
    return cut(value, CUT_TEXT) if isinstance(value, str) else value


def _encoded(properties: dict[str, str | int | bool]) -> str:
    return base64.b64encode(json.dumps(properties, ensure_ascii=False).encode()).decode("ascii")
