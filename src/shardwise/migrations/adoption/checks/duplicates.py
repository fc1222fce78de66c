"""Rows that a unique key or primary key of the head would refuse."""

import re
from collections.abc import Iterator

from sqlalchemy import Column

from shardwise.migrations.adoption.changes import Course
from shardwise.migrations.adoption.checks.look import Look
from shardwise.migrations.adoption.findings import Finding, Severity
from shardwise.migrations.adoption.inventory import Facts
from shardwise.migrations.fills import default_sql, turns_boolean, value_sql
from shardwise.migrations.uniqueness import new_unique_keys

_CHECK = "duplicates"
_SHOWN = 3


def find_duplicates(look: Look) -> Iterator[Finding]:
    """Count the rows that share the values of a key that the head has and the database doesn't."""
    for facts, course in look.tables:
        for columns in new_unique_keys(course.after, facts.existing):
            known = [name for name in columns if _expression(look, facts, course, name) is not None]
            if known:
                yield from _duplicates(look, facts, course, known)


def _duplicates(look: Look, facts: Facts, course: Course, columns: list[str]) -> Iterator[Finding]:
    # The values as the head will have them, of which the groups are made.
    values = ", ".join(f"{_expression(look, facts, course, name)} AS {look.quote(name)}" for name in columns)
    names = ", ".join(map(look.quote, columns))
    given = " AND ".join(f"{look.quote(name)} IS NOT NULL" for name in columns)
    groups = (
        f"SELECT COUNT(*) AS number, MIN(row_key) AS one, MAX(row_key) AS other FROM"
        f" (SELECT {look.key_of(facts)} AS row_key, {values} FROM {look.quote(facts.name)}) AS coming"
        f" WHERE {given} GROUP BY {names} HAVING COUNT(*) > 1"
    )
    totals = look.one(
        f"SELECT COUNT(*) AS cases, COALESCE(SUM(number), 0) AS concerned FROM ({groups}) AS same"
    )
    if not totals["cases"]:
        return
    pairs = look.connection.exec_driver_sql(f"{groups} LIMIT {_SHOWN}".replace("%", "%%"))
    yield look.finding(
        Severity.BLOCKS,
        _CHECK,
        f"{totals['concerned']} rows share {', '.join(columns)} with another one, {totals['cases']} cases;"
        " it must be unique",
        table=facts.name,
        count=int(totals["concerned"]),
        way_out="keep one row of each case and change or delete the others",
        examples=tuple(f"{row.one} and {row.other}" for row in pairs),
    )


def _expression(look: Look, facts: Facts, course: Course, name: str) -> str | None:
    """Return what a column's value will be; None where all rows get the same one."""
    column = course.after.columns[name]
    if name in facts.columns:
        return _coming(look, course, column)
    if column.computed is None:
        return None
    return re.sub(
        r"\b[a-z_]+\b",
        lambda word: (
            f"({_coming(look, course, course.after.columns[word[0]])})"
            if word[0] in facts.columns
            else word[0]
        ),
        str(column.computed.sqltext),
    )


def _coming(look: Look, course: Course, column: "Column[object]") -> str:
    default = None if column.nullable else default_sql(column, look.connection.dialect)
    return value_sql(look.quote(column.name), fill=default, boolean=turns_boolean(course.before, column))
