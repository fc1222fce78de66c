"""Pages of a list, and the opaque cursors that lead from one to the next."""

import base64
import binascii
import json
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Generic, TypeVar
from uuid import UUID

from shardwise.errors import InvalidValueError

T = TypeVar("T")

_MAX_LENGTH = 4096
_CHECK_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page.

    Attributes:
        items: its items in order.
        next_cursor: give it as `after` to get the next page; None on the last one.
    """

    items: list[T]
    next_cursor: str | None


def encode_cursor(signature: str, values: Sequence[object]) -> str:
    """Return a cursor that stands behind the row with these values.

    Args:
        signature: says which list and order the values belong to.
        values: int, str, bool, finite float, bytes, `Decimal`, `datetime`, `date`, `UUID`, an enum member
            with such a value, or None.

    Returns:
        URL-safe text. It is neither encrypted nor signed: whoever holds it can read the values.

    Raises:
        InvalidValueError: a value is of another type.
    """
    text = json.dumps([signature, *map(_pack, values)], separators=(",", ":"), ensure_ascii=False)
    payload = text.encode("utf-8", "surrogatepass")
    check = zlib.crc32(payload).to_bytes(_CHECK_BYTES, "big")
    return base64.urlsafe_b64encode(check + payload).rstrip(b"=").decode("ascii")


def decode_cursor(cursor: str, signature: str) -> list[Any]:
    """Return the values that `encode_cursor` was given.

    Raises:
        InvalidValueError: it isn't a cursor of ours, was cut or changed, or belongs to another list or order.
    """
    parts = _read(cursor)
    if parts[0] != signature:
        raise InvalidValueError(
            "after", "this cursor belongs to another list or order; start without a cursor"
        )
    return [_unpack(part) for part in parts[1:]]


def _read(cursor: object) -> list[Any]:
    if not isinstance(cursor, str) or len(cursor) > _MAX_LENGTH:
        raise _not_a_cursor()
    try:
        raw = base64.b64decode(
            cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        check, payload = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
        parts = json.loads(payload)
    except (ValueError, RecursionError):
        raise _not_a_cursor() from None
    if zlib.crc32(payload).to_bytes(_CHECK_BYTES, "big") != check or not isinstance(parts, list) or not parts:
        raise _not_a_cursor()
    return parts


def _not_a_cursor() -> InvalidValueError:
    return InvalidValueError("after", "this is not a cursor; pass next_cursor of the page before, unchanged")


_PACKED: tuple[tuple[type, str, Callable[[Any], str]], ...] = (
    (Decimal, "decimal", str),
    (datetime, "datetime", datetime.isoformat),
    (date, "date", date.isoformat),
    (bytes, "bytes", bytes.hex),
    (UUID, "uuid", str),
)
_UNPACKED: dict[str, Callable[[str], Any]] = {
    "decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "bytes": bytes.fromhex,
    "uuid": UUID,
}


def _pack(value: object) -> object:
    if isinstance(value, Enum):
        value = value.value
    if (
        value is None
        or isinstance(value, (bool, int, str))
        or (isinstance(value, float) and math.isfinite(value))
    ):
        return value
    for kind, name, pack in _PACKED:
        if isinstance(value, kind):
            return {name: pack(value)}
    raise InvalidValueError("order_by", f"a list can't be paged by a value of type {type(value).__name__}")


def _unpack(part: Any) -> Any:
    if part is None or isinstance(part, (bool, int, float, str)):
        return part
    try:
        ((name, text),) = part.items()
        return _UNPACKED[name](text)
    except (AttributeError, ValueError, KeyError, TypeError, InvalidOperation, binascii.Error):
        raise _not_a_cursor() from None
