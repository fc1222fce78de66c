"""Which Python values a column can be compared with or set to.

MySQL compares whatever it is given: `id = '7 or so'` finds row 7, and `token = 0` finds every token that
doesn't start with a digit. So a value of another type than the column's is refused here.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any

from sqlalchemy import Enum as EnumColumn
from sqlalchemy import String
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.sql.type_api import TypeEngine
from sqlalchemy.types import TypeDecorator

from shardwise.errors import InvalidValueError, ValueRefusedError

_NUMBERS = (int, float, Decimal)
_COMPARED: dict[type, tuple[type, ...]] = {
    int: _NUMBERS,
    float: _NUMBERS,
    Decimal: _NUMBERS,
    bool: (int,),
    str: (str,),
    bytes: (bytes, bytearray, memoryview),
    datetime: (datetime,),
    date: (date,),
}
_STORED = {**_COMPARED, int: (int,)}  # MySQL would round 1.5 on its own


def python_type_of(kind: TypeEngine[Any]) -> type | None:
    """Return the type of a column's values in Python, None if it can't be told."""
    if isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    try:
        found = kind.python_type
    except NotImplementedError:
        return None
    return found if found in _COMPARED or issubclass(found, Enum) else None


def is_expression(value: object) -> bool:
    """Return whether a value is SQL, such as `User.balance + 1`, rather than data."""
    return hasattr(value, "__clause_element__") or hasattr(value, "_propagate_attrs")


def check_value(attribute: QueryableAttribute[Any], value: object) -> None:
    """Check that a value that a column is compared with is of its type; None and SQL always are.

    Raises:
        InvalidValueError: naming the attribute and what it takes.
    """
    if value is None or is_expression(value):
        return
    if isinstance(attribute.type, EnumColumn):
        _check_choice(attribute, attribute.type, value)
    else:
        _check_kind(attribute, type(value), _COMPARED)


def check_stored(attribute: QueryableAttribute[Any], values: Sequence[object]) -> None:
    """Check values that a column is to be set to.

    Left to themselves, SQLite stores a text of any length also among numbers, MySQL rounds 1.5 to 2, and
    asyncmy puts a dict or a list into the SQL as it is.

    Raises:
        InvalidValueError: naming the attribute and what it takes.
        ValueRefusedError: a text is too long.
    """
    column = attribute.type
    if isinstance(column, EnumColumn):
        for value in values:
            if value is not None and not is_expression(value):
                _check_choice(attribute, column, value)
        return
    kinds = {type(value) for value in values}
    for kind in kinds:
        if kind is not NoneType and not is_expression(kind):
            _check_kind(attribute, kind, _STORED)
    if isinstance(column, String) and column.length is not None and str in kinds:
        longest = max(len(value) for value in values if isinstance(value, str))
        if longest > column.length:
            raise ValueRefusedError(
                str(attribute), f"the text has {longest} characters, {column.length} are the most it takes"
            )


def _check_kind(
    attribute: QueryableAttribute[Any], kind: type, accepted: Mapping[type, tuple[type, ...]]
) -> None:
    expected = python_type_of(attribute.type)
    if expected is not None and not issubclass(kind, accepted.get(expected, (expected,))):
        raise InvalidValueError(
            str(attribute), f"takes {expected.__name__} values, {kind.__name__} is not one"
        )


def _check_choice(attribute: QueryableAttribute[Any], kind: EnumColumn, value: object) -> None:
    known = isinstance(value, kind.enum_class) if kind.enum_class else False
    if not known and value not in kind.enums:
        raise InvalidValueError(str(attribute), f"{value!r} is not one of {', '.join(kind.enums)}")


def check_limit(name: str, value: object, lowest: int, highest: int | None) -> None:
    """Check a whole number.

    Raises:
        InvalidValueError: it isn't one, or is out of its range.
    """
    top = f"to {highest}" if highest is not None else "or more"
    if type(value) is not int or value < lowest or (highest is not None and value > highest):
        raise InvalidValueError(name, f"takes a whole number, {lowest} {top}, not {value!r}")
