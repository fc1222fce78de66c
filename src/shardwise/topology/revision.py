"""Compares a database's schema revision with the one that the code was written for."""

import logging
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from shardwise.config import RevisionCheck
from shardwise.errors import DatabaseNotMigratedError, RevisionMismatchError
from shardwise.topology.manager import DatabaseManager

logger = logging.getLogger(__name__)

_VERSION_TABLE_MISSING = ("alembic_version",)


async def read_revision(manager: DatabaseManager) -> str | None:
    """Return the schema revision recorded in a database, None if it was never migrated.

    Raises:
        DatabaseError: the database can't answer.
    """
    async with manager.session(read_only=True) as session:
        try:
            revisions = (await session.scalars(text("SELECT version_num FROM alembic_version"))).all()
        except (OperationalError, ProgrammingError) as error:
            if any(name in str(error.orig) for name in _VERSION_TABLE_MISSING):
                return None
            raise
    return ", ".join(sorted(revisions)) or None


async def check_revision(manager: DatabaseManager, expected: str, policy: RevisionCheck) -> None:
    """Compare a database's revision with the expected one.

    Args:
        manager: the database.
        expected: the head of its branch.
        policy: what a difference means.

    Raises:
        DatabaseNotMigratedError: it was never migrated, and the policy is to refuse.
        RevisionMismatchError: it is at another revision, and the policy is to refuse.
        DatabaseError: it can't answer.
    """
    if policy is RevisionCheck.IGNORE:
        return
    found = None if _is_new_file(manager) else await read_revision(manager)
    if found == expected:
        return
    problem = (
        DatabaseNotMigratedError(manager.name, expected)
        if found is None
        else RevisionMismatchError(manager.name, expected, found)
    )
    if policy is RevisionCheck.REFUSE:
        raise problem
    logger.warning("%s", problem)


def _is_new_file(manager: DatabaseManager) -> bool:
    """Return whether this is a global database that nobody has made yet (a shard's missing file is lost)."""
    sqlite = manager.url.get_backend_name() == "sqlite"
    return sqlite and manager.shard_id is None and not Path(manager.url.database or "").exists()
