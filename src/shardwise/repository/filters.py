"""From filters and orders, as callers write them, to SQL."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, and_, false
from sqlalchemy.orm import InstrumentedAttribute, QueryableAttribute
from sqlalchemy.sql import operators

from shardwise.errors import InvalidValueError, UnknownFilterError
from shardwise.repository.shape import ModelShape
from shardwise.repository.values import check_value, is_expression

Filters: TypeAlias = (
    Mapping[str, object]
    | Mapping[InstrumentedAttribute[Any], object]
    | Sequence[ColumnElement[bool]]
    | ColumnElement[bool]
    | None
)
OrderTerm: TypeAlias = str | ColumnElement[Any] | QueryableAttribute[Any]
OrderBy: TypeAlias = OrderTerm | Sequence[OrderTerm] | None

_Attribute = QueryableAttribute[Any]


def build_filters(shape: ModelShape, filters: Filters) -> list[ColumnElement[bool]]:
    """Return the conditions, all of which must hold.

    Args:
        shape: the model.
        filters: a mapping, one SQLAlchemy expression, or a sequence of expressions. A mapping's key is an
            attribute (`User.name`, "name") or a name with an operator ("price__gte"); a value None means
            IS NULL, a list, tuple or set means IN, anything else equality.

    Raises:
        UnknownFilterError: the model has no such attribute, or there is no such operator.
        InvalidValueError: a value doesn't suit its attribute or operator.
    """
    given: Any = filters
    if given is None:
        return []
    if isinstance(given, Mapping):
        return [_condition(shape, key, value) for key, value in given.items()]
    if is_expression(given):
        return [_expression(given)]
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise InvalidValueError("filters", f"takes a mapping or expressions, not {type(given).__name__}")
    return [_expression(condition) for condition in given]


def _expression(condition: Any) -> ColumnElement[bool]:
    if not is_expression(condition):
        # User.name == "x" on a plain class instead of a mapped one gives a bool: the filter would vanish.
        raise InvalidValueError("filters", f"{condition!r} is not a SQLAlchemy expression")
    return and_(condition)


def _condition(shape: ModelShape, key: object, value: object) -> ColumnElement[bool]:
    if not isinstance(key, str):
        return _equals(find_attribute(shape, shape.name_of(key) or key), value)
    if shape.find(key) is not None:
        return _equals(find_attribute(shape, key), value)
    name, separator, operator = key.rpartition("__")
    if not separator:
        raise _unknown_attribute(shape, key)
    attribute = find_attribute(shape, name)
    if operator not in OPERATORS:
        raise UnknownFilterError(
            f"{shape.name}: filter {key!r} has the unknown operator {operator!r};"
            f" there are {', '.join(OPERATORS)}"
        )
    return OPERATORS[operator](attribute, value)


def find_attribute(shape: ModelShape, name: object) -> _Attribute:
    """Return the attribute of a model that a filter or order names.

    Raises:
        UnknownFilterError: there is none; the message holds near misses.
    """
    attribute: _Attribute | None = shape.find(name)
    if attribute is None:
        raise _unknown_attribute(shape, name)
    return attribute


def _unknown_attribute(shape: ModelShape, name: object) -> UnknownFilterError:
    if str(name) in shape.mapper.relationships:
        return UnknownFilterError(
            f"{shape.name}.{name} is a relationship; filter by an expression such as"
            f" {shape.name}.{name}.any(...) or .has(...)"
        )
    return UnknownFilterError(
        f"{shape.name} has no attribute {str(name)!r}{shape.near(name)} It has {', '.join(shape.columns)};"
        f" operators are written name__operator, there are {', '.join(OPERATORS)}"
    )


def _checked(attribute: _Attribute, value: object) -> Any:
    check_value(attribute, value)
    return value


def _equals(attribute: _Attribute, value: object) -> ColumnElement[bool]:
    if value is None:
        return attribute.is_(None)
    if isinstance(value, (list, tuple, set, frozenset)):
        return _in(attribute, value)
    equal: ColumnElement[bool] = attribute == _checked(attribute, value)
    return equal


def _differs(attribute: _Attribute, value: object) -> ColumnElement[bool]:
    if value is None:
        return attribute.is_not(None)
    different: ColumnElement[bool] = attribute != _checked(attribute, value)
    return different


def _compares(operator: Callable[[Any, Any], Any]) -> Callable[[_Attribute, object], ColumnElement[bool]]:
    def build(attribute: _Attribute, value: object) -> ColumnElement[bool]:
        if value is None:
            raise InvalidValueError(str(attribute), "None is neither greater nor less; use is_null")
        result: ColumnElement[bool] = operator(attribute, _checked(attribute, value))
        return result

    return build


def _values(attribute: _Attribute, value: object) -> list[Any]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise InvalidValueError(str(attribute), f"in and not_in take a list, not {type(value).__name__}")
    values = [_checked(attribute, item) for item in value]
    if any(item is None for item in values):
        raise InvalidValueError(
            str(attribute), "None can't be in a list, where SQL never finds it; use is_null"
        )
    return values


def _in(attribute: _Attribute, value: object) -> ColumnElement[bool]:
    values = _values(attribute, value)
    return attribute.in_(values) if values else false()


def _not_in(attribute: _Attribute, value: object) -> ColumnElement[bool]:
    return attribute.not_in(_values(attribute, value))


def _text(attribute: _Attribute, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValueError(str(attribute), f"a text is needed here, not {type(value).__name__}")
    return value


def _between(attribute: _Attribute, value: object) -> ColumnElement[bool]:
    if not isinstance(value, (list, tuple)) or len(value) != 2 or None in value:
        raise InvalidValueError(str(attribute), "between takes two values, the lowest and the highest")
    low, high = value
    return attribute.between(_checked(attribute, low), _checked(attribute, high))


def _is_null(attribute: _Attribute, value: object) -> ColumnElement[bool]:
    if not isinstance(value, bool):
        raise InvalidValueError(str(attribute), f"is_null takes True or False, not {value!r}")
    return attribute.is_(None) if value else attribute.is_not(None)


OPERATORS: dict[str, Callable[[_Attribute, object], ColumnElement[bool]]] = {
    "eq": _equals,
    "ne": _differs,
    "gt": _compares(operators.gt),
    "gte": _compares(operators.ge),
    "lt": _compares(operators.lt),
    "lte": _compares(operators.le),
    "in": _in,
    "not_in": _not_in,
    "like": lambda attribute, value: attribute.like(_text(attribute, value)),
    "ilike": lambda attribute, value: attribute.ilike(_text(attribute, value)),
    "contains": lambda attribute, value: attribute.contains(_text(attribute, value), autoescape=True),
    "startswith": lambda attribute, value: attribute.startswith(_text(attribute, value), autoescape=True),
    "endswith": lambda attribute, value: attribute.endswith(_text(attribute, value), autoescape=True),
    "between": _between,
    "is_null": _is_null,
}
