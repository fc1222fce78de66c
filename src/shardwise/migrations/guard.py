"""Keeps one branch's tables out of the other's database."""

from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text

from shardwise.errors import MigrationError, MigrationTargetError
from shardwise.migrations.branches import versions_folder
from shardwise.migrations.targets import Target

ADOPTION_TABLE = "shardwise_adoption"
"""What an adoption keeps in a database while it runs."""

CLOCK_IS_RIGHT = "clock is right"
"""The row of that table which says that the database's times are UTC, as revisions take them."""


def require_own_database(
    connection: Connection, target: Target, script: ScriptDirectory, heads: tuple[str, ...]
) -> None:
    """Check that a database belongs to the target's branch, or to nobody yet.

    Args:
        connection: a connection to the database.
        target: what is about to be migrated.
        script: the branch's revisions alone.
        heads: the revisions that the database records.

    Raises:
        MigrationTargetError: the database holds the other branch, or an adoption of it was begun and has not
            come to the upgrade yet.
        MigrationError: it is at a revision that this code doesn't have.
    """
    known = {revision.revision for revision in script.walk_revisions()}
    for head in heads:
        if head in known:
            continue
        if head in _other_revisions(target, script):
            _refuse(target, f"it is at revision {head} of that branch")
        raise MigrationError(
            f"{target.name} is at revision {head}, which this code doesn't have; use the release that made it"
        )
    if not heads:
        tables = set(inspect(connection).get_table_names())
        if foreign := target.branch.other.own_tables & tables:
            _refuse(target, f"it has the table {min(foreign)}")
        if ADOPTION_TABLE in tables:
            _require_right_clock(connection, target)


def _require_right_clock(connection: Connection, target: Target) -> None:
    done = text(f"SELECT 1 FROM {ADOPTION_TABLE} WHERE item = :item")
    if connection.execute(done, {"item": CLOCK_IS_RIGHT}).first() is None:
        raise MigrationTargetError(
            f"{target.name} is being adopted, and some of its times are not UTC yet;"
            " go on with `shardwise adopt`"
        )


def _refuse(target: Target, evidence: str) -> None:
    raise MigrationTargetError(
        f"{target.name} ({target.url.render_as_string()}) is a database of the {target.branch.other} branch:"
        f" {evidence}. Tables of the {target.branch} branch must not get into it; check its address"
    )


def _other_revisions(target: Target, script: ScriptDirectory) -> set[str]:
    folder = versions_folder(target.branch.other, Path(script.dir))
    other = ScriptDirectory(script.dir, version_locations=[str(folder)])
    try:
        return {revision.revision for revision in other.walk_revisions()}
    except CommandError:
        return set()
