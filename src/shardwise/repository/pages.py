"""Keyset pages: each begins behind the last row of the one before, wherever that row is by now."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Double, Enum, Float, String, and_, cast, false, or_

from shardwise.errors import InvalidValueError
from shardwise.kit.pages import decode_cursor, encode_cursor
from shardwise.repository.ordering import Sorting
from shardwise.repository.shape import ModelShape
from shardwise.repository.values import check_value

_SINGLE_PRECISION_BITS = 24


def page_order(order: Sequence[Sorting]) -> list[Sorting]:
    """Return an order whose terms can be compared with the values of a row.

    Raises:
        InvalidValueError: a term can't: it says where NULLs go, or is a single-precision float, which is
            not equal to what is read from it.
    """
    return [_comparable(sorting) for sorting in order]


def _comparable(sorting: Sorting) -> Sorting:
    if sorting.nulls_placed is not None:
        raise InvalidValueError("order_by", "pages don't take nulls_first or nulls_last; NULLs come first")
    kind = sorting.expression.type
    if isinstance(kind, Enum):
        # MySQL sorts an ENUM by the position of its word but compares it by the word itself.
        return replace(sorting, expression=cast(sorting.expression, String), attribute=None)
    double = isinstance(kind, Double) or (getattr(kind, "precision", None) or 0) > _SINGLE_PRECISION_BITS
    if isinstance(kind, Float) and not double:
        raise InvalidValueError("order_by", f"{sorting.expression} is a float; page by an exact column")
    return sorting


def signature_of(shape: ModelShape, order: Sequence[Sorting]) -> str:
    """Return a short text that differs for other models and other orders."""
    words = [shape.name]
    for sorting in order:
        compiled = sorting.expression.compile()
        words += [str(compiled), repr(compiled.params), "-" if sorting.descending else "+"]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]


def cursor_behind(shape: ModelShape, order: Sequence[Sorting], values: Sequence[object]) -> str:
    """Return the cursor that stands behind the row with these values of the order's terms."""
    return encode_cursor(signature_of(shape, order), values)


def behind_cursor(shape: ModelShape, order: Sequence[Sorting], cursor: str) -> ColumnElement[bool]:
    """Return the condition that a row comes after the cursor.

    Written out as `a > x OR (a = x AND (b > y OR ...))`, which each direction and NULL of its own needs, and
    led by `a >= x`, from which an index on `a` can start.

    Raises:
        InvalidValueError: the cursor is damaged, or was made for another model or order.
    """
    values = decode_cursor(cursor, signature_of(shape, order))
    if len(values) != len(order):
        raise InvalidValueError("after", "this cursor belongs to another order; begin without one")
    for sorting, value in zip(order, values, strict=True):
        _check(sorting, value)
    condition = _beyond(order[-1], values[-1])
    for sorting, value in zip(order[-2::-1], values[-2::-1], strict=True):
        condition = or_(_beyond(sorting, value), and_(_equal(sorting, value), condition))
    return and_(*_bound(order[0], values[0]), condition)


def _check(sorting: Sorting, value: object) -> None:
    if value is None and not sorting.nullable:
        raise InvalidValueError("after", f"{sorting.expression} is never NULL; this cursor was changed")
    if sorting.attribute is not None:
        check_value(sorting.attribute, value)


def _beyond(sorting: Sorting, value: Any) -> ColumnElement[bool]:
    term = sorting.expression
    if value is None:  # NULL sorts below every value
        return false() if sorting.descending else term.is_not(None)
    if not sorting.descending:
        above: ColumnElement[bool] = term > value
        return above
    below: ColumnElement[bool] = term < value
    return or_(below, term.is_(None)) if sorting.nullable else below


def _equal(sorting: Sorting, value: Any) -> ColumnElement[bool]:
    if value is None:
        return sorting.expression.is_(None)
    equal: ColumnElement[bool] = sorting.expression == value
    return equal


def _bound(sorting: Sorting, value: Any) -> list[ColumnElement[bool]]:
    if value is None or (sorting.descending and sorting.nullable):
        return []
    return [sorting.expression <= value if sorting.descending else sorting.expression >= value]
