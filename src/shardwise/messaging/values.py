"""What a publisher hands in, and what it gets back."""

import json
from dataclasses import dataclass
from typing import Any

from shardwise.errors import InvalidValueError

_LONGEST = {
    "domain": 50,
    "partition_key": 128,
    "event_type": 100,
    "aggregate_id": 128,
    "aggregate_type": 50,
    "event_id": 36,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event to be published in order; checked when it is made.

    Args:
        domain: the part of the application that it comes from, 1 to 50 characters.
        partition_key: events of one domain and partition are numbered and delivered in order, 1 to 128
            characters. Two keys are one where the database's collation takes them for equal.
        event_type: what happened, 1 to 100 characters.
        aggregate_id: what it happened to, 1 to 128 characters.
        event_data: what JSON can hold, except null.
        account_db_key: whose event it is; None = the account that the session is pinned to, or nobody's.
        event_id: 1 to 36 characters, never used before; None for a new one.

    Raises:
        InvalidValueError: one of them can't be accepted; it is named.
    """

    domain: str
    partition_key: str
    event_type: str
    aggregate_id: str
    event_data: Any
    account_db_key: int | None = None
    event_id: str | None = None

    def __post_init__(self) -> None:
        for field in ("domain", "partition_key", "event_type", "aggregate_id"):
            check_word(field, getattr(self, field))
        check_optional_id(self.event_id)
        check_json("event_data", self.event_data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An event that will be delivered if the transaction commits.

    Attributes:
        event_id: by which a receiver knows that it has had it.
        sequence_no: its place in its partition, from 1, without gaps.
    """

    event_id: str
    sequence_no: int


def check_word(field: str, value: object, *, longest: int | None = None) -> None:
    """Check one of the texts of an event.

    Raises:
        InvalidValueError: it is no text, empty, too long, or no valid Unicode.
    """
    most = longest or _LONGEST[field]
    if not isinstance(value, str):
        raise InvalidValueError(field, f"it must be text, not {type(value).__name__}")
    if not 1 <= len(value) <= most:
        raise InvalidValueError(field, f"it has {len(value)} characters; 1 to {most} are accepted")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidValueError(field, "it holds half of a surrogate pair")


def check_optional_id(event_id: str | None) -> None:
    """Check an event's id, unless it is to be made."""
    if event_id is not None:
        check_word("event_id", event_id)


def check_json(field: str, value: object) -> None:
    """Check that a value can be stored as JSON and isn't null.

    Raises:
        InvalidValueError: it can't, or it is None.
    """
    if value is None:
        raise InvalidValueError(field, "it must not be None")
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValueError(field, f"it can't be written as JSON: {error}") from error
