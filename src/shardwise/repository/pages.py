"""Keyset pages: each begins behind the last row of the one before, wherever that row is by now."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Double,
    Enum,
    Float,
    Integer,
    String,
    and_,
    cast,
    false,
    or_,
    type_coerce,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from shardwise.errors import InvalidValueError
from shardwise.kit.pages import decode_cursor, encode_cursor
from shardwise.repository.ordering import Sorting
from shardwise.repository.shape import ModelShape
from shardwise.repository.values import check_value, python_type_of

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
    if _differs_from_what_is_stored(kind):
        return replace(sorting, expression=type_coerce(sorting.expression, _Stored(kind)))
    if isinstance(kind, Enum):
        # MySQL sorts an ENUM by the position of its word but compares it by the word itself.
        return replace(sorting, expression=cast(sorting.expression, String), attribute=None)
    if isinstance(kind, Boolean):  # SQLAlchemy has no "greater" for it
        return replace(sorting, expression=type_coerce(sorting.expression, Integer), attribute=None)
    double = isinstance(kind, Double) or (getattr(kind, "precision", None) or 0) > _SINGLE_PRECISION_BITS
    if isinstance(kind, Float) and not double:
        raise InvalidValueError("order_by", f"{sorting.expression} is a float; page by an exact column")
    return sorting


class _Stored(TypeDecorator[Any]):
    """A value as SQLite holds it, not as the column's type shows it; on other databases the column's own.

    Args:
        kind: the column's type.
    """

    impl = NullType
    cache_ok = True

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return NullType() if dialect.name == "sqlite" else self.kind.dialect_impl(dialect)

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return self

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            try:
                datetime.fromisoformat(value) if python_type_of(self.kind) is datetime else float(value)
            except (TypeError, ValueError):
                raise InvalidValueError("after", "this cursor was changed") from None
        return value


def _differs_from_what_is_stored(kind: TypeEngine[Any]) -> bool:
    """Return whether SQLite may hold a value in other words than a bound value of its type.

    CURRENT_TIMESTAMP has no microseconds there, a bound moment has six digits of them, and both are text. A
    Numeric column holds a float, of which `Decimal` shows the first digits.
    """
    python_type = python_type_of(kind)
    return python_type is datetime or (
        python_type is Decimal and not isinstance(kind, Float) and not getattr(kind, "exact_decimal", False)
    )


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
    if sorting.attribute is not None and not isinstance(sorting.expression.type, _Stored):
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
