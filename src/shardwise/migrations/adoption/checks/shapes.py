"""Tables that differ from those of the first installations: what drifted, and what head makes of it."""

import re
from collections.abc import Iterator

from sqlalchemy import Column, Table
from sqlalchemy.schema import CreateTable

from shardwise.migrations.adoption.checks.conversions import converts
from shardwise.migrations.adoption.checks.look import Look
from shardwise.migrations.adoption.deployment import State
from shardwise.migrations.adoption.findings import Finding, Severity
from shardwise.migrations.adoption.inventory import ColumnFacts, Facts
from shardwise.migrations.baseline import GLOBAL, SHARD
from shardwise.migrations.branches import Branch
from shardwise.migrations.existing import keys_of, references_of

_CHECK = "shape"
_SYNONYMS = (("json", "longtext"), ("numeric", "decimal"), ("integer", "int"), ("bool", "tinyint"))
_WIDTH = re.compile(r"\b((?:tiny|small|medium|big)?int)\(\d+\)")


def find_drift(look: Look) -> Iterator[Finding]:
    """Compare an old database with the tables that its revisions expect to find."""
    if look.database.state is not State.OLD:
        return
    expected = GLOBAL if look.database.target.branch is Branch.GLOBAL else SHARD
    for table in expected.sorted_tables:
        facts = look.database.inventory.tables.get(table.name)
        if facts is None:
            yield _missing(look, table.name)
        else:
            yield from _columns(look, table, facts)
            yield from _keys(look, table, facts)
            yield from _references(look, table, facts)


def _missing(look: Look, name: str) -> Finding:
    inventory = look.database.inventory
    other = next((each for each in inventory.tables if each.lower() == name), None)
    if other is not None:
        return look.finding(
            Severity.BLOCKS,
            _CHECK,
            f"the table is named {other} here, where the server minds the case of letters",
            table=name,
            way_out=f"RENAME TABLE {other} TO {name}",
        )
    if ("view", name) in inventory.objects:
        return look.finding(
            Severity.BLOCKS,
            _CHECK,
            "a view has the name of the table",
            table=name,
            way_out="put the table itself in its place, or rename the view",
        )
    return look.finding(
        Severity.ATTENTION,
        _CHECK,
        "the table is missing; it is made, empty",
        table=name,
    )


def _columns(look: Look, table: Table, facts: Facts) -> Iterator[Finding]:
    expected, found = set(table.columns.keys()), set(facts.columns)
    for names, what, way_out in (
        (found - expected, "columns that no revision knows", "move them to a table of your own"),
        (expected - found, "not all columns of the first installations; it lacks", "add them"),
    ):
        if names:
            yield look.finding(
                Severity.BLOCKS,
                _CHECK,
                f"it has {what}: {', '.join(sorted(names))}",
                table=table.name,
                count=len(names),
                way_out=way_out,
            )
    for column in table.columns:
        if column.name in found and _differs(look, column, facts.columns[column.name]):
            yield _column(look, column, facts.columns[column.name])


def _column(look: Look, column: "Column[object]", found: ColumnFacts) -> Finding:
    specification = _specification(look, column)
    says = f"{column.name} is {found.declared}{'' if found.nullable else ' NOT NULL'}"
    course = look.courses.get(column.table.name)
    after = course.after.columns.get(column.name) if course else None
    if after is not None and not converts(found.declared, wanted := _type(look, after)):
        return look.finding(
            Severity.BLOCKS,
            _CHECK,
            f"{says}, which head's {wanted} can't take over",
            table=column.table.name,
            way_out=f"ALTER TABLE {column.table.name} MODIFY COLUMN {specification}, with its values kept",
        )
    if after is not None and _specification(look, after) != specification:
        return look.finding(
            Severity.ATTENTION,
            _CHECK,
            f"{says}, which differs from the first installations; head makes it"
            f" {_specification(look, after).partition(' ')[2]}",
            table=column.table.name,
        )
    return look.finding(
        Severity.BLOCKS,
        _CHECK,
        f"{says}, which differs from the first installations, and no revision would change that",
        table=column.table.name,
        way_out=f"ALTER TABLE {column.table.name} MODIFY COLUMN {specification}",
    )


def _differs(look: Look, column: "Column[object]", found: ColumnFacts) -> bool:
    wanted = _type(look, column)
    nullable = column.nullable and not column.primary_key
    return _plain(wanted) != _plain(found.declared) or nullable != found.nullable


def _plain(declared: str) -> str:
    plain = re.sub(r",\s+", ",", declared.lower().partition(" collate")[0].partition(" character set")[0])
    for synonym, word in _SYNONYMS:
        plain = re.sub(rf"^{synonym}\b", word, plain)
    return _WIDTH.sub(r"\1", plain)


def _type(look: Look, column: "Column[object]") -> str:
    return column.type.compile(dialect=look.connection.dialect)


def _specification(look: Look, column: "Column[object]") -> str:
    dialect = look.connection.dialect
    compiler = dialect.ddl_compiler(dialect, CreateTable(column.table))
    return str(compiler.get_column_specification(column))


def _keys(look: Look, table: Table, facts: Facts) -> Iterator[Finding]:
    course = look.courses.get(table.name)
    wanted, ours = keys_of(table), set(keys_of(course.after)) if course else set()
    missing = sorted(name for name, key in wanted.items() if facts.existing.keys.get(name) != key)
    if missing:
        yield look.finding(
            Severity.ATTENTION,
            _CHECK,
            f"keys of the first installations are missing or have other columns: {', '.join(missing)};"
            " head makes those that it has",
            table=table.name,
            count=len(missing),
        )
    supporting = {reference[0] for reference in facts.existing.references.values()}
    own = sorted(
        name
        for name, (_, columns) in facts.existing.keys.items()
        if name not in wanted and name not in ours and columns not in supporting
    )
    if own:
        yield look.finding(
            Severity.ATTENTION,
            _CHECK,
            f"indexes that no revision knows stay: {', '.join(own)}; `alembic check` will name them",
            table=table.name,
            count=len(own),
            way_out="put them into a revision of your own, or drop them",
        )
    key = tuple(column.name for column in table.primary_key)
    if facts.existing.primary_key != key:
        yield look.finding(
            Severity.ATTENTION,
            _CHECK,
            f"the primary key is ({', '.join(facts.existing.primary_key)}) instead of ({', '.join(key)});"
            " head makes it anew",
            table=table.name,
        )


def _references(look: Look, table: Table, facts: Facts) -> Iterator[Finding]:
    wanted = {reference[0]: reference for reference in references_of(table).values()}
    found = {reference[0]: reference for reference in facts.existing.references.values()}
    for columns, reference in found.items():
        if wanted.get(columns) != reference:
            yield look.finding(
                Severity.ATTENTION,
                _CHECK,
                f"a foreign key {', '.join(columns)} → {reference[1]}.{', '.join(reference[2])} that the"
                " first installation doesn't have; head drops it, so that all shards are equal",
                table=table.name,
            )
    for columns, reference in wanted.items():
        if columns not in found:
            yield look.finding(
                Severity.ATTENTION,
                _CHECK,
                f"the foreign key {', '.join(columns)} → {reference[1]} is missing; head makes it",
                table=table.name,
            )
