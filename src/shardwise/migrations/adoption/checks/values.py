"""Values that head's columns don't take, or take as something else: one pass over each table."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import JSON, Column, String

from shardwise.migrations.adoption.changes import Course
from shardwise.migrations.adoption.checks.look import Look
from shardwise.migrations.adoption.findings import Finding, Severity
from shardwise.migrations.adoption.inventory import ColumnFacts, Facts
from shardwise.migrations.fills import turns_boolean

_CHECK = "values"


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """A kind of value to count in a column.

    Attributes:
        condition: of the rows to count.
        severity: what one of them means.
        message: what it is, and what becomes of it.
        way_out: what to do.
    """

    condition: str
    severity: Severity
    message: str
    way_out: str = ""


def find_misfits(look: Look) -> Iterator[Finding]:
    """Count, in one statement a table, the values that don't fit."""
    for facts, course in look.tables:
        misfits = [
            misfit
            for column in course.after.columns
            if column.name in facts.columns
            for misfit in _misfits(look, course, column, facts.columns[column.name])
        ]
        if misfits:
            yield from _count(look, facts, misfits)


def _count(look: Look, facts: Facts, misfits: list[Misfit]) -> Iterator[Finding]:
    sums = ", ".join(
        f"COALESCE(SUM({misfit.condition}), 0) AS m{place}" for place, misfit in enumerate(misfits)
    )
    counts = look.one(f"SELECT {sums} FROM {look.quote(facts.name)}")
    for place, misfit in enumerate(misfits):
        if count := int(counts[f"m{place}"]):
            yield look.finding(
                misfit.severity,
                _CHECK,
                misfit.message,
                table=facts.name,
                count=count,
                way_out=misfit.way_out,
                examples=look.keys_where(facts, misfit.condition),
            )


def _misfits(look: Look, course: Course, column: "Column[object]", found: ColumnFacts) -> Iterator[Misfit]:
    quoted = look.quote(column.name)
    required = not column.nullable or column.primary_key
    if found.nullable and required:
        yield _null(course, column, quoted)
    if found.kind in ("datetime", "timestamp", "date"):
        yield from _dates(column, quoted, found, required=required)
    if found.kind == "enum":
        yield Misfit(
            condition=f"({quoted} IS NOT NULL AND {quoted} + 0 = 0)",
            severity=Severity.BLOCKS,
            message=f"{column.name} holds '', which a server without strict mode stored for an unknown word",
            way_out="set it to a word that the column knows, or to NULL where it may be",
        )
    if isinstance(column.type, JSON) and found.kind != "json":
        yield Misfit(
            condition=f"({quoted} IS NOT NULL AND NOT JSON_VALID({quoted}))",
            severity=Severity.BLOCKS,
            message=f"{column.name} holds text that is not JSON",
            way_out="correct it",
        )
    if turns_boolean(course.before, column) and found.kind == "tinyint":
        yield Misfit(
            condition=f"({quoted} NOT IN (0, 1))",
            severity=Severity.ATTENTION,
            message=f"{column.name} holds other numbers than 0 and 1; they become yes",
        )
    length = getattr(column.type, "length", None) if isinstance(column.type, String) else None
    if length is not None and found.longest is not None and found.kind != "enum" and found.longest > length:
        yield Misfit(
            condition=f"(CHAR_LENGTH({quoted}) > {length})",
            severity=Severity.BLOCKS,
            message=f"{column.name} is longer than {length} characters",
            way_out="shorten it",
        )


def _null(course: Course, column: "Column[object]", quoted: str) -> Misfit:
    before = course.before.columns.get(column.name)
    if before is not None and (before.primary_key or not before.nullable):
        return Misfit(
            condition=f"({quoted} IS NULL)",
            severity=Severity.BLOCKS,
            message=f"{column.name} is NULL, which the first installations didn't allow",
            way_out="give it a value",
        )
    return Misfit(
        condition=f"({quoted} IS NULL)",
        severity=Severity.ATTENTION,
        message=f"{column.name} is NULL and may not be any more; it gets {_filling(course, column)}",
    )


def _dates(column: "Column[object]", quoted: str, found: ColumnFacts, *, required: bool) -> Iterator[Misfit]:
    if found.kind == "date":
        yield Misfit(
            condition=f"({quoted} IS NOT NULL AND (MONTH({quoted}) = 0 OR DAYOFMONTH({quoted}) = 0))",
            severity=Severity.BLOCKS,
            message=f"{column.name} is no day of the calendar, which nothing can read",
            way_out="correct it, or delete the row",
        )
        return
    moment = "the moment of the upgrade, or of the row's making" if required else "NULL"
    yield Misfit(
        condition=f"({quoted} = 0)",
        severity=Severity.ATTENTION,
        message=f"{column.name} is a date of zeros; it becomes {moment}",
    )
    yield Misfit(
        condition=f"({quoted} <> 0 AND (MONTH({quoted}) = 0 OR DAYOFMONTH({quoted}) = 0))",
        severity=Severity.BLOCKS,
        message=f"{column.name} is a date with a month or day of zero, which nothing can read",
        way_out="correct it",
    )


def _filling(course: Course, column: "Column[object]") -> str:
    if column.name == "updated_at":
        return "the row's creation time"
    default = getattr(column.server_default, "arg", None)
    if column.name == "account_number" and course.name == "table_transactions":
        return "the number of its account"
    return "the moment of the upgrade" if column.name.endswith(("_at", "_time")) else f"the default {default}"
