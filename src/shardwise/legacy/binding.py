"""Python values as the drivers take them in statements written by hand."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from shardwise.errors import InvalidValueError

_SIGN = 1 << 63
_MAX_UNSIGNED = (1 << 64) - 1

Bind = Callable[[Any], Any]


def bind_for_server(value: Any) -> Any:
    """Return a value for asyncmy: a moment without its zone, in UTC, and no type that it would guess at.

    Raises:
        InvalidValueError: the value is of a type that no column takes; the message doesn't repeat it.
    """
    value = _simple(value)
    if isinstance(value, datetime):
        return _in_utc(value)
    if value is None or isinstance(value, (bool, int, str, float, bytes, Decimal, date, time, timedelta)):
        return value
    raise _refusal(value)


def bind_for_sqlite(value: Any) -> Any:
    """Return a value in the form in which the tables of this library hold it.

    Decimals, moments and days are text; a number of 2**63 or more is 8 bytes, as keys are.

    Raises:
        InvalidValueError: the value is of a type that no column takes; the message doesn't repeat it.
    """
    value = _simple(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return _in_utc(value).strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool) and not -_SIGN <= value < _SIGN:
        if not 0 <= value <= _MAX_UNSIGNED:
            raise InvalidValueError("params", "a number is beyond 64 bits")
        return value.to_bytes(8, "big")
    if value is None or isinstance(value, (bool, int, str, float, bytes)):
        return value
    raise _refusal(value)


def _simple(value: Any) -> Any:
    """Return a value without the classes that are only another form of a plain one."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, Decimal) and not value.is_finite():
        raise InvalidValueError("params", "a decimal is not a finite number")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidValueError("params", "a float is not a finite number")
    if isinstance(value, str):
        return _valid(str(value))
    if isinstance(value, float):
        return float(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _valid(text: str) -> str:
    try:
        text.encode()  # asyncmy would send half a character as a byte that is no UTF-8
    except UnicodeEncodeError:
        raise InvalidValueError("params", "a text holds a character that isn't valid Unicode") from None
    return text


def _in_utc(value: datetime) -> datetime:
    try:
        return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise InvalidValueError("params", "a moment is out of range in UTC") from None


def _refusal(value: Any) -> InvalidValueError:
    return InvalidValueError(
        "params", f"a value is a {type(value).__name__}, which no column takes; pass JSON as text"
    )
