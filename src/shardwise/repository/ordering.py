"""In which order rows come."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, UnaryExpression
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.sql import operators

from shardwise.errors import InvalidValueError
from shardwise.repository.filters import OrderBy, OrderTerm, find_attribute
from shardwise.repository.shape import ModelShape
from shardwise.repository.values import is_expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorting:
    """One term of an order.

    Attributes:
        expression: what is sorted by.
        descending: highest first.
        nullable: whether it can be NULL, which sorts before every value (after, if descending), as SQLite
            and MySQL both do.
        attribute: the model's attribute, None for another expression.
        nulls_placed: the caller said where NULLs go, so it is `clause` as given.
    """

    expression: ColumnElement[Any]
    descending: bool
    nullable: bool = True
    attribute: QueryableAttribute[Any] | None = None
    nulls_placed: ColumnElement[Any] | None = None

    @property
    def clause(self) -> ColumnElement[Any]:
        """Return the term of ORDER BY."""
        if self.nulls_placed is not None:
            return self.nulls_placed
        return self.expression.desc() if self.descending else self.expression.asc()


def build_order(shape: ModelShape, order_by: OrderBy) -> list[Sorting]:
    """Return the terms of an order, ending with the primary key so that no two rows are equal.

    Args:
        shape: the model.
        order_by: a name ("name", "-name" for descending), an attribute, an expression (`User.name.desc()`,
            `func.lower(User.name)`), or a sequence of those. None = by primary key.

    Raises:
        UnknownFilterError: the model has no such attribute.
        InvalidValueError: something else was given.
    """
    if order_by is None:
        terms: Sequence[OrderTerm] = ()
    elif isinstance(order_by, str) or is_expression(order_by):
        terms = (order_by,)  # type: ignore[assignment]  # not a sequence of terms: one term
    elif isinstance(order_by, Sequence):
        terms = order_by
    else:
        raise InvalidValueError("order_by", f"takes names or expressions, not {type(order_by).__name__}")
    sortings = [_sorting(shape, term) for term in terms]
    named = {sorting.attribute.key for sorting in sortings if sorting.attribute is not None}
    # In the direction of the last term, so that an index on it serves the whole order.
    descending = sortings[-1].descending if sortings else False
    sortings += [_of_attribute(shape, name, descending) for name in shape.identity if name not in named]
    return sortings


def _sorting(shape: ModelShape, term: object) -> Sorting:
    if isinstance(term, str):
        return _of_attribute(shape, term.removeprefix("-"), term.startswith("-"))
    if not is_expression(term):
        raise InvalidValueError("order_by", f"{term!r} is neither a name nor a SQLAlchemy expression")
    expression: Any = term
    descending = False
    while isinstance(expression, UnaryExpression) and expression.modifier is not None:
        if expression.modifier in (operators.nulls_first_op, operators.nulls_last_op):
            return Sorting(expression=expression, descending=False, nulls_placed=expression)
        descending = expression.modifier is operators.desc_op
        expression = expression.element
    name = shape.name_of(expression)
    if name is not None:
        return _of_attribute(shape, name, descending)
    clause = expression.__clause_element__() if hasattr(expression, "__clause_element__") else expression
    return Sorting(expression=clause, descending=descending)


def _of_attribute(shape: ModelShape, name: str, descending: bool) -> Sorting:
    attribute = find_attribute(shape, name)
    columns = getattr(getattr(attribute, "property", None), "columns", ())
    nullable = not columns or any(getattr(column, "nullable", True) for column in columns)
    return Sorting(
        expression=attribute,  # type: ignore[arg-type]  # an attribute stands for its column in SQL
        descending=descending,
        nullable=nullable,
        attribute=attribute,
    )
