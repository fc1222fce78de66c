"""What a repository needs to know about a model, worked out once a model."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Table, inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.ext.hybrid import HybridExtensionType
from sqlalchemy.orm import InstrumentedAttribute, Mapper, QueryableAttribute

from shardwise.errors import InvalidValueError
from shardwise.repository.soft_delete import SoftDelete, find_soft_delete
from shardwise.repository.values import check_value
from shardwise.schema.base import SHARD_KEY, TablePlacement, placement_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """A model's attributes.

    Attributes:
        model: the mapped class.
        mapper: its mapper.
        table: its table.
        columns: its column attributes by name.
        writable: names of those that are columns of a table, which can be set.
        identity: names of those that make the primary key, in its order.
        shard_key: name of the one that holds `account_db_key`, None if the model isn't sharded.
        soft_delete: how it marks deleted rows, None if it doesn't.
    """

    model: type[Any]
    mapper: Mapper[Any]
    table: Table
    columns: Mapping[str, InstrumentedAttribute[Any]]
    writable: frozenset[str]
    identity: tuple[str, ...]
    shard_key: str | None
    soft_delete: SoftDelete | None

    @property
    def name(self) -> str:
        """Return what errors call the model."""
        return self.model.__name__

    def key(self, id: object) -> tuple[Any, ...]:
        """Return a primary key as a tuple in the order of the table.

        Args:
            id: the value of a single key; of a composite one a tuple in the order of the table, or a
                mapping from attributes or their names.

        Raises:
            InvalidValueError: a part is missing, too much, None, or not of its column's type.
        """
        if isinstance(id, Mapping):
            named = {getattr(name, "key", name): value for name, value in id.items()}
            if set(named) != set(self.identity):
                raise self._not_a_key(f"has {_listed(named)}")
            values = tuple(named[name] for name in self.identity)
        else:
            values = tuple(id) if isinstance(id, (tuple, list)) else (id,)
        if len(values) != len(self.identity):
            raise self._not_a_key(f"has {len(values)} values")
        for name, value in zip(self.identity, values, strict=True):
            if value is None:
                raise self._not_a_key(f"{name} is None")
            check_value(self.columns[name], value)
        return values

    def _not_a_key(self, problem: str) -> InvalidValueError:
        return InvalidValueError(
            f"{self.name} id", f"the primary key is ({_listed(self.identity)}); this {problem}"
        )

    def key_of(self, entity: object) -> tuple[Any, ...]:
        """Return the primary key of an object as a tuple."""
        return tuple(getattr(entity, name) for name in self.identity)

    def shown(self, key: tuple[Any, ...]) -> object:
        """Return a primary key as errors show it: a single one bare."""
        return key[0] if len(key) == 1 else key

    def find(self, name: object) -> QueryableAttribute[Any] | None:
        """Return a column attribute, synonym or hybrid property by name, None if there is none."""
        if name in self.columns:
            return self.columns[str(name)]
        descriptor = self.mapper.all_orm_descriptors.get(str(name))
        hybrid = descriptor is not None and descriptor.extension_type is HybridExtensionType.HYBRID_PROPERTY
        if hybrid or str(name) in self.mapper.synonyms:
            found: QueryableAttribute[Any] = getattr(self.model, str(name))
            return found
        return None

    def name_of(self, attribute: Any) -> str | None:
        """Return the name of one of this model's attributes or columns, None for anything else."""
        if isinstance(attribute, QueryableAttribute):
            own = isinstance(attribute.parent, Mapper) and self.mapper.isa(attribute.parent)
            return attribute.key if own and self.find(attribute.key) is not None else None
        if isinstance(attribute, Column) and attribute in self.mapper.columns.values():
            return self.mapper.get_property_by_column(attribute).key
        return None

    def near(self, name: object) -> str:
        """Return a hint at attributes with a similar name, empty if there is none."""
        found = get_close_matches(str(name), self.columns, n=3)
        return f"; did you mean {' or '.join(found)}?" if found else "."

    def unknown(self, name: object) -> InvalidValueError:
        """Return the error for a value given to an attribute that isn't a column."""
        return InvalidValueError(str(name), f"{self.name} has no column of this name{self.near(name)}")


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "nothing"


@lru_cache(maxsize=1024)
def describe(model: type[Any]) -> ModelShape:
    """Return the shape of a mapped class.

    Raises:
        TypeError: it isn't a mapped class, or its `__soft_delete__` can't be used.
    """
    try:
        mapper = inspect(model)
    except NoInspectionAvailable:
        raise TypeError(f"{model!r} is not a mapped class") from None
    columns = {attribute.key: getattr(model, attribute.key) for attribute in mapper.column_attrs}
    identity = tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)
    sharded = placement_of(model) is TablePlacement.SHARDED
    shard_column = mapper.local_table.columns.get(SHARD_KEY) if sharded else None
    return ModelShape(
        model=model,
        mapper=mapper,
        table=mapper.local_table,
        columns=columns,
        writable=frozenset(a.key for a in mapper.column_attrs if isinstance(a.columns[0], Column)),
        identity=identity,
        shard_key=None if shard_column is None else mapper.get_property_by_column(shard_column).key,
        soft_delete=find_soft_delete(model, columns),
    )
