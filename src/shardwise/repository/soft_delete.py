"""Rows that are marked as deleted instead of being removed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import InstrumentedAttribute

from shardwise.kit.clock import utc_now
from shardwise.repository.values import python_type_of
from shardwise.schema.types import UtcDateTime

_DELETED_WHEN_TRUE = ("is_deleted", "deleted", "is_removed", "removed")
_DELETED_WHEN_FALSE = ("is_active", "active", "is_enabled", "enabled")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftDelete:
    """How a model marks a row as deleted; assign it to the model's `__soft_delete__`.

    Attributes:
        column: name of the attribute.
        deleted: its value in a deleted row; None = the moment of the deletion.
        alive: its value in a row that is not deleted.
    """

    column: str
    deleted: object = None
    alive: object = None

    def is_deleted(self, entity: object) -> bool:
        """Return whether an object's row is marked as deleted."""
        value = getattr(entity, self.column)
        return value is not None if self.deleted is None else bool(value == self.deleted)

    def criterion(self, attribute: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """Return the condition that a row isn't marked; a NULL flag doesn't mark it."""
        if self.deleted is None:
            return attribute.is_(None)
        # A flag has one other value, and an index finds that; other columns may have several.
        flag = isinstance(self.deleted, bool)
        kept = attribute == (not self.deleted) if flag else attribute != self.deleted
        return or_(kept, attribute.is_(None)) if _nullable(attribute) else kept

    def mark(self, attribute: InstrumentedAttribute[Any]) -> object:
        """Return the value that marks a row: a moment is in UTC, aware if the column keeps that."""
        if self.deleted is not None:
            return self.deleted
        moment, kind = utc_now(), attribute.type
        aware = isinstance(kind, UtcDateTime) or getattr(kind, "timezone", False)
        return moment if aware else moment.replace(tzinfo=None)


def find_soft_delete(
    model: type[Any], attributes: Mapping[str, InstrumentedAttribute[Any]]
) -> SoftDelete | None:
    """Return how a model marks deleted rows, None if it doesn't.

    Declared by `__soft_delete__` on the model: a `SoftDelete`, the name of a column whose meaning is
    plain (a nullable moment, or a flag called is_deleted or is_active), or None for "never". Without a
    declaration, `deleted_at` or else `is_deleted` is used.

    Raises:
        TypeError: the declared column isn't there, or what its values mean isn't plain.
    """
    if hasattr(model, "__soft_delete__"):
        declared = model.__soft_delete__
        if declared is None:
            return None
        found = declared if isinstance(declared, SoftDelete) else None
        name = found.column if found else declared
        if name not in attributes:
            raise TypeError(f"{model.__name__}.__soft_delete__ names {name!r}, which is not a column of it")
        found = found or _by_name(name, attributes[name])
        if found is None:
            raise TypeError(
                f"{model.__name__}.__soft_delete__ = {name!r} doesn't say which value means deleted;"
                f" declare SoftDelete(column={name!r}, deleted=..., alive=...)"
            )
        return found
    for name in ("deleted_at", "is_deleted"):
        if name in attributes and (found := _by_name(name, attributes[name])) is not None:
            return found
    return None


def _nullable(attribute: InstrumentedAttribute[Any]) -> bool:
    return any(getattr(column, "nullable", True) for column in attribute.property.columns)


def _by_name(name: str, attribute: InstrumentedAttribute[Any]) -> SoftDelete | None:
    kind = python_type_of(attribute.type)
    if kind is datetime and _nullable(attribute):
        return SoftDelete(column=name)
    if kind is bool or kind is int:
        if name in _DELETED_WHEN_TRUE:
            return SoftDelete(column=name, deleted=kind(True), alive=kind(False))
        if name in _DELETED_WHEN_FALSE:
            return SoftDelete(column=name, deleted=kind(False), alive=kind(True))
    return None
