"""Rows as the old driver gave them: plain values in dicts."""

import json
from datetime import UTC, datetime
from enum import Enum
from typing import Any


def status(result: str, message: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a status row in words: `result`, `message` if given, and further columns."""
    row: dict[str, Any] = {"result": result}
    if message is not None:
        row["message"] = message
    return row | more


def code(number: int, message: str, **more: Any) -> dict[str, Any]:
    """Return a status row in numbers: `ErrorCode` (0 = success), `ErrorMessage` and further columns."""
    return {"ErrorCode": number, "ErrorMessage": message} | more


def json_text(value: Any) -> str | None:
    """Return a JSON column as the old driver gave it: as text; None stays None."""
    return None if value is None else json.dumps(value, ensure_ascii=False)


def plain_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the values of the old driver: moments naive in UTC, flags 0 or 1, words as text."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not None else value
    if isinstance(value, bool):
        return int(value)
    return value.value if isinstance(value, Enum) else value
