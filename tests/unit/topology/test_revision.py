import logging
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from shardwise.config import RevisionCheck
from shardwise.errors import DatabaseConnectionError, DatabaseNotMigratedError, RevisionMismatchError
from shardwise.testing.servers import free_port
from shardwise.topology.manager import DatabaseManager
from shardwise.topology.revision import check_revision, read_revision


@pytest.fixture
async def manager(database_url: str) -> AsyncIterator[DatabaseManager]:
    manager = DatabaseManager(database_url, name="shard 2 (two)", shard_id=2)
    yield manager
    await manager.close()


async def at(manager: DatabaseManager, *revisions: str) -> None:
    async with manager.session() as session:
        await session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        for revision in revisions:
            await session.execute(text("INSERT INTO alembic_version VALUES (:r)"), {"r": revision})


async def test_the_recorded_revision(manager: DatabaseManager) -> None:
    assert await read_revision(manager) is None
    await at(manager)
    assert await read_revision(manager) is None, "an empty table is no revision"


async def test_several_revisions(manager: DatabaseManager) -> None:
    await at(manager, "s0003", "g0001")
    assert await read_revision(manager) == "g0001, s0003"


async def test_the_expected_revision_passes(manager: DatabaseManager) -> None:
    await at(manager, "s0003")
    for policy in RevisionCheck:
        await check_revision(manager, "s0003", policy)


async def test_a_database_that_was_never_migrated(
    manager: DatabaseManager, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DatabaseNotMigratedError, match="shardwise upgrade") as caught:
        await check_revision(manager, "s0003", RevisionCheck.REFUSE)
    assert (caught.value.database, caught.value.expected) == ("shard 2 (two)", "s0003")
    with caplog.at_level(logging.WARNING):
        await check_revision(manager, "s0003", RevisionCheck.WARN)
    assert "shard 2 (two) has not been migrated" in caplog.text


async def test_another_revision(manager: DatabaseManager, caplog: pytest.LogCaptureFixture) -> None:
    await at(manager, "s0001")
    with pytest.raises(RevisionMismatchError, match="at revision s0001, this code needs s0003") as caught:
        await check_revision(manager, "s0003", RevisionCheck.REFUSE)
    assert (caught.value.expected, caught.value.found) == ("s0003", "s0001")
    with caplog.at_level(logging.WARNING):
        await check_revision(manager, "s0003", RevisionCheck.WARN)
        assert "needs s0003" in caplog.text
        caplog.clear()
        await check_revision(manager, "s0003", RevisionCheck.IGNORE)
    assert caplog.text == ""


async def test_a_server_that_does_not_answer_is_not_taken_for_an_unmigrated_one(
    mariadb_installed: None,
) -> None:
    manager = DatabaseManager(f"mysql://u:p@127.0.0.1:{free_port()}/alembic_version")
    with pytest.raises(DatabaseConnectionError):
        await read_revision(manager)
    await check_revision(manager, "s0003", RevisionCheck.IGNORE)
    await manager.close()
