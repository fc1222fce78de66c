"""Rows that refer to rows which are not there, within one database."""

from collections.abc import Iterator

from shardwise.migrations.adoption.checks.look import Look
from shardwise.migrations.adoption.findings import Finding, Severity
from shardwise.migrations.existing import references_of

_CHECK = "references"


def find_broken_references(look: Look) -> Iterator[Finding]:
    """Count rows whose foreign key of the head finds nothing, and messages whose room is gone."""
    for facts, course in look.tables:
        for columns, other, others in references_of(course.after).values():
            if other in look.database.inventory.tables and columns[0] in facts.columns:
                yield from _orphans(look, facts.name, columns[0], other, others[0])
    yield from _messages_without_room(look)


def _orphans(look: Look, table: str, column: str, other: str, others: str) -> Iterator[Finding]:
    facts = look.database.inventory.tables[table]
    if odd := _collations(look, table, column, other, others):
        yield odd
        return
    condition = _missing(table, column, other, others)
    count = int(look.scalar(f"SELECT COUNT(*) FROM {look.quote(table)} WHERE {condition}") or 0)
    if count:
        yield look.finding(
            Severity.BLOCKS,
            _CHECK,
            f"{column} names a row of {other} that doesn't exist; the foreign key forbids that",
            table=table,
            count=count,
            way_out=f"delete these rows, or bring back those of {other}",
            examples=look.keys_where(facts, condition),
        )


def _messages_without_room(look: Look) -> Iterator[Finding]:
    tables = look.database.inventory.tables
    if not {"table_chat_messages", "table_chat_rooms"} <= tables.keys():
        return
    if odd := _collations(look, "table_chat_messages", "room_id", "table_chat_rooms", "room_id"):
        yield odd
        return
    condition = _missing("table_chat_messages", "room_id", "table_chat_rooms", "room_id")
    count = int(look.scalar(f"SELECT COUNT(*) FROM table_chat_messages WHERE {condition}") or 0)
    if count:
        yield look.finding(
            Severity.ATTENTION,
            _CHECK,
            "messages of rooms that don't exist; they are kept, but no reader asks for them",
            table="table_chat_messages",
            count=count,
            way_out="delete them, or make their rooms again",
            examples=look.keys_where(tables["table_chat_messages"], condition),
        )


def _collations(look: Look, table: str, column: str, other: str, others: str) -> Finding | None:
    """Return that the server refuses to compare two columns, as each has a collation of its own."""
    tables = look.database.inventory.tables
    mine, theirs = tables[table].columns.get(column), tables[other].columns.get(others)
    if mine is None or theirs is None or mine.collation == theirs.collation:
        return None
    modified = f"{mine.declared} COLLATE {theirs.collation}{'' if mine.nullable else ' NOT NULL'}"
    return look.finding(
        Severity.BLOCKS,
        _CHECK,
        f"{column} has the collation {mine.collation}, that of {other} is {theirs.collation}: the server"
        " neither compares them nor makes a foreign key",
        table=table,
        way_out=f"ALTER TABLE {table} MODIFY COLUMN {column} {modified}",
    )


def _missing(table: str, column: str, other: str, others: str) -> str:
    return (
        f"`{table}`.`{column}` IS NOT NULL AND NOT EXISTS"
        f" (SELECT 1 FROM `{other}` AS other WHERE other.`{others}` = `{table}`.`{column}`)"
    )
