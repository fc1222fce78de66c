"""How Alembic compares models with a database and writes down the difference, so that `check` is true."""

import re
from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import CreateTableOp, MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, types
from sqlalchemy.dialects import mysql

from shardwise.migrations.branches import Branch
from shardwise.migrations.guard import ADOPTION_TABLE
from shardwise.schema.columns import current_moment

# What Alembic, or an older one, doesn't compare: fractions of seconds, whether numbers may be negative, and
# the words of an enum.
_OVERLOOKED = (
    re.compile(r"(?:DATETIME|TIME|TIMESTAMP)\((\d)\)"),
    re.compile(r" (UNSIGNED)"),
    re.compile(r"ENUM\((.*)\)"),
)

_TYPES = "shardwise.schema.types"
_COLUMNS = "shardwise.schema.columns"


class Comparison:
    """Alembic's comparison hooks for one branch; pass `options()` to `context.configure`."""

    def __init__(self, branch: Branch) -> None:
        self._other_tables = branch.other.own_tables
        self._sqlite_types: dict[str, dict[str, str]] = {}

    def options(self) -> dict[str, Any]:
        """Return the arguments for `context.configure`."""
        return {
            "compare_type": self._compare_type,
            "include_name": self._include_name,
            "render_item": _render_item,
        }

    def _include_name(self, name: str | None, kind: str, parents: Any) -> bool:
        """Leave the other branch's tables alone where both share a database, and an adoption's notes."""
        return kind != "table" or (name not in self._other_tables and name != ADOPTION_TABLE)

    def _compare_type(
        self,
        context: MigrationContext,
        found_column: "Column[Any]",
        model_column: "Column[Any]",
        found: types.TypeEngine[Any],
        wanted: types.TypeEngine[Any],
    ) -> bool | None:
        """Return whether the types differ, None to let Alembic decide."""
        if context.dialect.name == "sqlite":
            return self._differs_on_sqlite(context, model_column, wanted)
        declared, expected = (kind.compile(dialect=context.dialect) for kind in (found, wanted))
        if expected == "JSON" and isinstance(found, mysql.LONGTEXT):
            return False  # MariaDB's JSON is a LONGTEXT with a check
        if any(_said(word, declared) != _said(word, expected) for word in _OVERLOOKED):
            return True
        return None

    def _differs_on_sqlite(
        self, context: MigrationContext, column: "Column[Any]", wanted: types.TypeEngine[Any]
    ) -> bool:
        """Compare the words of the declaration: SQLAlchemy would guess at those that it doesn't know."""
        table = column.table.name
        if table not in self._sqlite_types:
            assert context.connection is not None  # noqa: S101  # comparisons are made online
            rows = context.connection.exec_driver_sql(f'PRAGMA table_xinfo("{table}")')
            self._sqlite_types[table] = {row.name: row.type for row in rows}
        declared = self._sqlite_types[table].get(column.name, "")
        return _plain(declared) != _plain(wanted.compile(dialect=context.dialect))


def _said(word: re.Pattern[str], declaration: str) -> str | None:
    found = word.search(declaration)
    return found.group(1) if found else None


def _plain(declaration: str) -> str:
    return re.sub(r"\s+|COLLATE.*", "", declaration.upper())


def _render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write our types and defaults as they are written in models, with their import."""
    if kind == "type" and type(item).__module__ == _TYPES:
        context.imports.add(f"import {_TYPES}")
    elif kind == "server_default" and isinstance(getattr(item, "arg", None), current_moment):
        context.imports.add(f"import {_COLUMNS}")
        return f"{_COLUMNS}.current_moment({'on_update=True' if item.arg.on_update else ''})"
    return False


def number_revision(context: MigrationContext, branch: Branch, directives: list[MigrationScript]) -> None:
    """Give a new revision the next number of its branch (`s0020`) where the head is numbered.

    An id that the developer chose is kept, and so are Alembic's random ones in a folder that uses them.
    """
    chosen = context.opts["revision_context"].command_args.get("rev_id")
    script = context.script
    if chosen or script is None:
        return
    number = next_revision(script, branch)
    for directive in directives:
        directive.rev_id = number or directive.rev_id


def next_revision(script: ScriptDirectory, branch: Branch) -> str | None:
    """Return the next number of a branch, None in a folder that uses Alembic's random ids."""
    heads = script.get_heads()
    if not heads:
        return f"{branch[0]}0001"
    numbered = re.fullmatch(r"([a-z]+)(\d{4,})", heads[0]) if len(heads) == 1 else None
    if numbered is None:
        return None
    letter, digits = numbered.groups()
    return f"{letter}{int(digits) + 1:0{len(digits)}}"


def forget_placement(directives: list[MigrationScript]) -> None:
    """Leave out of revisions what models know of a table's placement: it has no form there."""
    for directive in directives:
        for operations in directive.upgrade_ops_list:
            for step in operations.ops:
                if isinstance(step, CreateTableOp):
                    step.info.clear()
