"""A change of a table on MySQL and MariaDB: the missing values, then one ALTER TABLE, which is atomic."""

import re
from collections.abc import Mapping

from sqlalchemy import Column, ForeignKeyConstraint, Table, UniqueConstraint
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from shardwise.migrations.existing import Existing, keys_of, references_of
from shardwise.migrations.fills import default_sql, fills, is_moment, turns_boolean, value_sql


class Alteration:
    """The SQL that takes a table from what the database has to what a revision describes.

    Run again after it succeeded, it changes nothing: a crash before the revision was recorded is harmless.
    Indexes that neither description knows are left alone; foreign keys that `after` doesn't know are
    dropped, since they would forbid other changes.

    Args:
        before: what the revision before left.
        after: what this one leaves.
        existing: what the database has.
        dialect: MySQL's or MariaDB's.
    """

    def __init__(self, before: Table, after: Table, existing: Existing, dialect: Dialect) -> None:
        self._before = before
        self._after = after
        self._existing = existing
        self._dialect = dialect
        self._ddl = dialect.ddl_compiler(dialect, CreateTable(after))
        self._quote = dialect.identifier_preparer.quote
        self._table = self._quote(after.name)

    def statements(self, given: Mapping[str, str]) -> list[str]:
        """Return the statements in order.

        Args:
            given: SQL expressions for columns that may lack a value, by column.
        """
        values = fills(self._before, self._after, given, self._dialect)
        early = [name for name in given if name in values and name not in self._existing.columns]
        statements = [self._add_nullable(self._after.columns[name]) for name in early]
        filled = (*self._existing.columns, *early)
        if update := self._update(values, filled):
            statements.append(update)
        if clauses := self._clauses(filled):
            statements.append(f"ALTER TABLE {self._table}\n  " + ",\n  ".join(clauses))
        return statements

    def missing_keys(self) -> list[str]:
        """Return the statement that adds the indexes which `after` has and the database doesn't."""
        clauses = self._new_keys()
        return [f"ALTER TABLE {self._table}\n  " + ",\n  ".join(clauses)] if clauses else []

    # Values

    def _add_nullable(self, column: "Column[object]") -> str:
        kind = self._dialect.type_compiler_instance.process(column.type, type_expression=column)
        return f"ALTER TABLE {self._table} ADD COLUMN {self._quote(column.name)} {kind} NULL"

    def _update(self, values: Mapping[str, str], present: tuple[str, ...]) -> str | None:
        assignments, conditions = {}, []
        for column in self._after.columns:
            boolean, fill = turns_boolean(self._before, column), values.get(column.name)
            moment, quoted = is_moment(self._before, column), self._quote(column.name)
            if moment and not column.nullable:
                fill = fill or default_sql(column, self._dialect)
                moment = fill is not None
            if column.name not in present or not (boolean or moment or fill):
                continue
            assignments[column.name] = value_sql(quoted, fill=fill, boolean=boolean, moment=moment)
            if column.name in values:
                conditions.append(f"{quoted} IS NULL")
            if boolean:
                conditions.append(f"{quoted} NOT IN (0, 1)")
            if moment:
                conditions.append(f"{quoted} = 0")
        if not assignments:
            return None
        for name in self._set_on_update():
            assignments.setdefault(name, self._quote(name))  # an assignment keeps the server from setting it
        pairs = ", ".join(f"{self._quote(name)} = {value}" for name, value in assignments.items())
        return f"UPDATE {self._table} SET {pairs} WHERE {' OR '.join(conditions)}"

    def _set_on_update(self) -> list[str]:
        columns = [column for column in self._before.columns if column.name in self._existing.columns]
        return [column.name for column in columns if "ON UPDATE" in (self._default(column) or "")]

    def _default(self, column: "Column[object]") -> str | None:
        return self._ddl.get_column_default_string(column)

    # Structure

    def _clauses(self, present: tuple[str, ...]) -> list[str]:
        wanted_key = tuple(column.name for column in self._after.primary_key)
        changes_key = self._existing.primary_key != wanted_key
        return [
            *self._dropped_references(),
            *(["DROP PRIMARY KEY"] if changes_key and self._existing.primary_key else []),
            *self._dropped_keys(),
            *self._dropped_columns(),
            *self._columns(present),
            *([f"ADD PRIMARY KEY ({self._list(wanted_key)})"] if changes_key else []),
            *self._new_keys(),
            *self._new_references(),
        ]

    def _list(self, names: tuple[str, ...]) -> str:
        return ", ".join(self._quote(name) for name in names)

    def _dropped_references(self) -> list[str]:
        wanted = references_of(self._after)
        return [
            f"DROP FOREIGN KEY {self._quote(name)}"
            for name, reference in self._existing.references.items()
            if wanted.get(name) != reference
        ]

    def _new_references(self) -> list[str]:
        existing, clauses = self._existing.references, []
        wanted = references_of(self._after)
        for constraint in self._after.constraints:
            if isinstance(constraint, ForeignKeyConstraint):
                (name,) = [n for n, r in wanted.items() if r[0] == tuple(constraint.column_keys)]
                if existing.get(name) != wanted[name]:
                    clauses.append(f"ADD {self._ddl.process(constraint)}")
        return clauses

    def _dropped_keys(self) -> list[str]:
        known, wanted = keys_of(self._before), keys_of(self._after)
        return [
            f"DROP INDEX {self._quote(name)}"
            for name, key in self._existing.keys.items()
            if (name in known and name not in wanted) or (name in wanted and wanted[name] != key)
        ]

    def _new_keys(self) -> list[str]:
        existing, wanted = self._existing.keys, keys_of(self._after)
        missing = {name for name, key in wanted.items() if existing.get(name) != key}
        uniques = [
            f"ADD {self._ddl.process(constraint)}"
            for constraint in self._after.constraints
            if isinstance(constraint, UniqueConstraint) and constraint.name in missing
        ]
        indexes = [
            re.sub(
                r"^CREATE (.*INDEX \S+) ON \S+ ",
                r"ADD \1 ",
                str(CreateIndex(index).compile(dialect=self._dialect)),
            )
            for index in self._after.indexes
            if index.name in missing
        ]
        return sorted(uniques) + sorted(indexes)

    def _dropped_columns(self) -> list[str]:
        gone = [c.name for c in self._before.columns if c.name not in self._after.columns]
        return [f"DROP COLUMN {self._quote(name)}" for name in gone if name in self._existing.columns]

    def _columns(self, present: tuple[str, ...]) -> list[str]:
        """Return ADD and MODIFY clauses that also bring the columns into the order of `after`."""
        order = [name for name in present if name in self._after.columns]
        clauses = []
        for place, column in enumerate(self._after.columns):
            in_place = place < len(order) and order[place] == column.name
            if in_place and not self._differs(column):
                continue
            verb = "MODIFY" if column.name in order else "ADD"
            clause = f"{verb} COLUMN {self._specification(column)}"
            if not in_place:
                clause += f" AFTER {self._quote(order[place - 1])}" if place else " FIRST"
                order = [name for name in order if name != column.name]
                order.insert(place, column.name)
            clauses.append(clause)
        return clauses

    def _specification(self, column: "Column[object]") -> str:
        return self._ddl.get_column_specification(column)

    def _differs(self, column: "Column[object]") -> bool:
        old = self._before.columns.get(column.name)
        return old is None or self._specification(old) != self._specification(column)
