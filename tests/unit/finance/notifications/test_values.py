from datetime import datetime
from typing import Any

import pytest

from shardwise.errors import InvalidValueError
from shardwise.finance.notifications.values import NewNotification


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type_id", ""),
        ("type_id", "x" * 65),
        ("title", ""),
        ("title", "x" * 256),
        ("title", "a\nb"),
        ("title", None),
        ("message", ""),
        ("message", "\U0001f680" * 16_384),
        ("message", "a\0b"),
        ("message", "\ud800"),
        ("message", None),
        ("priority", 0),
        ("priority", 6),
        ("priority", True),
        ("priority", "1"),
        ("data", float("nan")),
        ("data", {1: "a"}),
        ("expires_at", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("expires_at", "2026-01-01"),
        ("notification_id", ""),
        ("notification_id", "a b"),
        ("notification_id", "x" * 129),
    ],
)
def test_what_can_not_be_accepted_is_named(field: str, value: object) -> None:
    fields: dict[str, Any] = {"account_db_key": 1, "type_id": "t", "title": "t", "message": "m"}
    NewNotification(**fields).check()
    with pytest.raises(InvalidValueError, match=f"^{field}"):
        NewNotification(**fields | {field: value}).check()
