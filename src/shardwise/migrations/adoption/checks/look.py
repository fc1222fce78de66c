"""One database while it is being looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, text

from shardwise.migrations.adoption.changes import Course
from shardwise.migrations.adoption.deployment import Database
from shardwise.migrations.adoption.findings import Finding, Severity
from shardwise.migrations.adoption.inventory import Facts

_EXAMPLES = 3


@dataclass(frozen=True, kw_only=True)
class Look:
    """A connection to a database, what it holds, and what is going to happen to its tables.

    Attributes:
        connection: it can only read.
        database: the database.
        courses: the tables that revisions change, by name.
    """

    connection: Connection
    database: Database
    courses: Mapping[str, Course]

    @property
    def name(self) -> str:
        """Return what findings call the database."""
        return self.database.target.name

    @cached_property
    def tables(self) -> list[tuple[Facts, Course]]:
        """Return the tables that are there and are going to be changed."""
        there = self.database.inventory.tables
        return [(there[name], course) for name, course in sorted(self.courses.items()) if name in there]

    def quote(self, name: str) -> str:
        """Return a name as the server wants it."""
        return self.connection.dialect.identifier_preparer.quote(name)

    def one(self, query: str) -> Mapping[str, Any]:
        """Return the only row of a query."""
        return dict(self.connection.execute(text(query.replace(":", r"\:"))).mappings().one())

    def scalar(self, query: str) -> Any:
        """Return the only value of a query."""
        return self.connection.execute(text(query.replace(":", r"\:"))).scalar()

    def keys_where(self, facts: Facts, condition: str) -> tuple[str, ...]:
        """Return the primary keys of a few rows that fulfil a condition."""
        key = self.key_of(facts)
        query = f"SELECT {key} FROM {self.quote(facts.name)} WHERE {condition} LIMIT {_EXAMPLES}"
        found = self.connection.execute(text(query.replace(":", r"\:"))).scalars()
        return tuple(str(one) for one in found)

    def key_of(self, facts: Facts) -> str:
        """Return the expression that names a row: its primary key, as text."""
        names = facts.existing.primary_key or facts.existing.columns[:1]
        return f"CONCAT_WS('/', {', '.join(map(self.quote, names))})"

    def finding(self, severity: Severity, check: str, message: str, **facts: Any) -> Finding:
        """Return a finding in this database."""
        return Finding(severity=severity, check=check, database=self.name, message=message, **facts)


Findings = Sequence[Finding]
