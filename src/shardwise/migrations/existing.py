"""What a table has in the database now: a revision trusts this, not what the one before should have left."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, Table, UniqueConstraint, inspect

from shardwise.migrations.columns import PREFIXED_INDEXES

Key = tuple[bool, tuple[str, ...]]
"""A key: whether it is unique, and its columns in order."""

Reference = tuple[tuple[str, ...], str, tuple[str, ...]]
"""A foreign key: its columns, the table that it refers to, and the columns there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """The parts of a table by name; primary key, keys and references with their columns."""

    columns: tuple[str, ...]
    primary_key: tuple[str, ...]
    keys: Mapping[str, Key]
    references: Mapping[str, Reference]

    @classmethod
    def read(cls, connection: Connection, name: str) -> Self | None:
        """Return what the database has under this name, None if there is no such table."""
        look = inspect(connection)
        if not look.has_table(name):
            return None
        return cls(
            columns=tuple(column["name"] for column in look.get_columns(name)),
            primary_key=tuple(look.get_pk_constraint(name)["constrained_columns"]),
            keys={
                str(key["name"]): (bool(key["unique"]), tuple(str(column) for column in key["column_names"]))
                for key in look.get_indexes(name)
            },
            references={
                str(key["name"]): (
                    tuple(key["constrained_columns"]),
                    key["referred_table"],
                    tuple(key["referred_columns"]),
                )
                for key in look.get_foreign_keys(name)
            },
        )

    @classmethod
    def described(cls, table: Table) -> Self:
        """Return what a database has that a revision left as described; for SQL written without looking."""
        return cls(
            columns=tuple(table.columns.keys()),
            primary_key=tuple(column.name for column in table.primary_key),
            keys=keys_of(table),
            references=references_of(table),
        )


def keys_of(table: Table) -> dict[str, Key]:
    """Return a table's indexes and unique constraints by name; MySQL makes no difference between them."""
    keys = {str(index.name): (bool(index.unique), tuple(index.columns.keys())) for index in table.indexes}
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            keys[str(constraint.name)] = (True, tuple(constraint.columns.keys()))
    return keys


def references_of(table: Table) -> dict[str, Reference]:
    """Return a table's foreign keys by name; those without one get the name that InnoDB gives them."""
    references: dict[str, Reference] = {}
    constraints = sorted(table.foreign_key_constraints, key=lambda key: tuple(key.column_keys))
    for number, constraint in enumerate(constraints, start=1):
        name = str(constraint.name or f"{table.name}_ibfk_{number}")
        targets = [element.target_fullname.rpartition(".") for element in constraint.elements]
        references[name] = (
            tuple(constraint.column_keys),
            targets[0][0],
            tuple(column for _, _, column in targets),
        )
    return references


def index_name(table: Table, name: str, dialect_name: str) -> str:
    """Return the name of an index on a database of this kind."""
    prefixed = dialect_name == "sqlite" and table.metadata.info.get(PREFIXED_INDEXES)
    return f"{table.name}_{name}" if prefixed else name
