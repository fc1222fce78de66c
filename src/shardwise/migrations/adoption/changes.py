"""What the revisions that a database has not had yet do to its tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Table

from shardwise.errors import MigrationError
from shardwise.migrations.branches import Branch, script_location, versions_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One revision.

    Attributes:
        revision: its name.
        summary: its first line.
        before: the table that it changes as it finds it, None if it makes tables or does something else.
        after: the same table as it leaves it.
    """

    revision: str
    summary: str
    before: Table | None = None
    after: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A table's way to head.

    Attributes:
        name: the table.
        before: as the first of the revisions finds it.
        after: as the last one leaves it.
        revisions: their names; each rebuilds the table once.
    """

    name: str
    before: Table
    after: Table
    revisions: tuple[str, ...]


@lru_cache
def pending_changes(branch: Branch, current: str | None) -> tuple[Change, ...]:
    """Return the shipped revisions after the one that a database is at, in order.

    Raises:
        MigrationError: there is no such revision.
    """
    location = script_location()
    script = ScriptDirectory(str(location), version_locations=[str(versions_folder(branch, location))])
    try:
        newest_first = list(script.iterate_revisions("head", current or "base"))
    except (CommandError, RevisionError) as error:
        raise MigrationError(f"revision {current} is none of this code's: {error}") from error
    return tuple(
        Change(
            revision=revision.revision,
            summary=revision.doc,
            before=getattr(revision.module, "BEFORE", None),
            after=getattr(revision.module, "AFTER", None),
        )
        for revision in reversed(newest_first)
    )


def courses(changes: Sequence[Change]) -> dict[str, Course]:
    """Return, by table, what a series of revisions does to it."""
    found: dict[str, Course] = {}
    for change in changes:
        if change.before is None or change.after is None:
            continue
        name = change.after.name
        known = found.get(name)
        found[name] = Course(
            name=name,
            before=known.before if known else change.before,
            after=change.after,
            revisions=(*(known.revisions if known else ()), change.revision),
        )
    return found
