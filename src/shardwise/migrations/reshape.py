"""What revisions do to tables: create, drop, and take them from one shape to another with their rows."""

from collections.abc import Iterable, Mapping

from alembic.operations import Operations
from sqlalchemy import MetaData, Table, text
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.schema import CreateTable

from shardwise.errors import MigrationError
from shardwise.migrations.alter import Alteration
from shardwise.migrations.existing import Existing
from shardwise.migrations.rebuild import attached_statements, create_statements, rebuild_statements
from shardwise.migrations.uniqueness import require_unique


def create(op: Operations, table: Table) -> None:
    """Create a table with its indexes, or the part of it that is missing.

    Args:
        op: `alembic.op`.
        table: its description.

    Raises:
        MigrationError: a table of this name exists and has other columns.
    """
    dialect, offline = _dialect(op), op.get_context().as_sql
    existing = None if offline else _existing(op, table)
    if existing is not None and set(existing.columns) != set(table.columns.keys()):
        raise MigrationError(
            f"a table {table.name} exists and has other columns than this revision makes:"
            f" {', '.join(sorted(set(existing.columns) ^ set(table.columns.keys())))}"
        )
    if dialect.name == "sqlite":
        _run(op, [] if existing else create_statements(table, dialect))
        return
    if existing is None:
        _run(op, [str(CreateTable(table).compile(dialect=dialect)).strip() + _character_set(op)])
        existing = _without_indexes(table) if offline else _existing(op, table) or _without_indexes(table)
    _run(op, Alteration(table, table, existing, dialect).missing_keys())


def create_all(op: Operations, metadata: MetaData) -> None:
    """Create every table of a metadata, those that others refer to first."""
    for table in metadata.sorted_tables:
        create(op, table)


def drop_all(op: Operations, metadata: MetaData) -> None:
    """Drop every table of a metadata that is there, with its rows."""
    quote = _dialect(op).identifier_preparer.quote
    _run(op, [f"DROP TABLE IF EXISTS {quote(table.name)}" for table in reversed(metadata.sorted_tables)])


def reshape(op: Operations, before: Table, after: Table, *, fill: Mapping[str, str] | None = None) -> None:
    """Change a table from one shape to another and keep its rows.

    MySQL and MariaDB: NULLs are filled, then one ALTER TABLE does the rest; what the database has already
    is not done again, so that a revision that was interrupted can be run again. SQLite: the table is built
    anew in the migration's transaction. A table that is missing is created first.

    Numbers that become booleans: any but 0 is true. A column that `after` lacks is dropped with its values.

    Args:
        op: `alembic.op`.
        before: the table as the revision before left it.
        after: the table as it shall be, under the same name.
        fill: SQL expressions over the old columns, by column: the value where there is none, because the
            column is new or was NULL. By default a column's own server default.

    Raises:
        MigrationError: a column may not be NULL and there is no value for it; or rows have the same values
            under a new unique key; or (SQLite) the table has a
            column that the revision doesn't know, which would be lost.
    """
    dialect, existing = _dialect(op), _existing(op, before)
    if existing is None:
        create(op, before)
        existing = _existing(op, before) or Existing.described(before)
    if not op.get_context().as_sql:
        require_unique(op.get_bind(), after, existing, filled=fill or {})
    if dialect.name == "sqlite":
        _refuse_loss(before, existing)
        kept = [] if op.get_context().as_sql else attached_statements(op.get_bind(), before, after)
        _run(op, [*rebuild_statements(before, after, fill or {}, dialect), *kept])
    else:
        _run(op, Alteration(before, after, existing, dialect).statements(fill or {}))


def _refuse_loss(before: Table, existing: Existing) -> None:
    unknown = [name for name in existing.columns if name not in before.columns]
    if unknown:
        raise MigrationError(
            f"{before.name} has columns that this revision doesn't know and would lose: {', '.join(unknown)};"
            " drop or move them first"
        )


def _dialect(op: Operations) -> Dialect:
    return op.get_context().dialect


def _existing(op: Operations, table: Table) -> Existing | None:
    """Return what the database has; without a database to look at, what it should have."""
    if op.get_context().as_sql:
        return Existing.described(table)
    return Existing.read(op.get_bind(), table.name)


def _without_indexes(table: Table) -> Existing:
    described = Existing.described(table)
    return Existing(
        columns=described.columns,
        primary_key=described.primary_key,
        keys={name: key for name, key in described.keys.items() if key[0]},
        references=described.references,
    )


def _character_set(op: Operations) -> str:
    """Return the table option that is needed where the database would not take every character."""
    if op.get_context().as_sql:
        return ""
    found = op.get_bind().execute(text("SELECT @@character_set_database")).scalar_one()
    return "" if found == "utf8mb4" else " DEFAULT CHARSET=utf8mb4"


def _run(op: Operations, statements: Iterable[str]) -> None:
    for statement in statements:
        op.execute(text(statement.replace(":", r"\:")))
