import pytest
from sqlalchemy import String, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shardwise.errors import (
    CommitOutcomeUnknownError,
    DatabaseConnectionError,
    DuplicateEntityError,
    TransientDatabaseError,
)
from shardwise.repository import BaseRepository
from shardwise.testing.servers import free_port
from shardwise.topology.manager import DatabaseManager
from shardwise.transactions.manager import TransactionManager
from shardwise.transactions.retry import is_retryable, with_db_retry


class Base(DeclarativeBase):
    pass


class Step(Base):
    __tablename__ = "steps"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(20), default="x")


mariadb = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)


async def kill(manager: DatabaseManager, session: AsyncSession) -> None:
    number = await session.scalar(text("SELECT CONNECTION_ID()"))
    async with manager.session() as killer:
        await killer.execute(text(f"KILL {number}"))


@mariadb
async def test_the_whole_function_is_run_again_in_a_new_transaction(manager: DatabaseManager) -> None:
    runs = 0

    @with_db_retry(max_attempts=3, backoff_factor=2, first_pause=0.01)
    async def work(first: int, *, second: int) -> str:
        nonlocal runs
        runs += 1
        async with manager.session() as session:
            await BaseRepository(session, Step).create(Step(id=first))
            if runs == 1:
                await kill(manager, session)
            await BaseRepository(session, Step).create(Step(id=second))
        return "done"

    assert await work(1, second=2) == "done"
    assert runs == 2
    assert work.__name__ == "work"
    async with manager.session() as session:
        assert await BaseRepository(session, Step).count() == 2


@mariadb
async def test_bare_driver_errors_are_understood(manager: DatabaseManager) -> None:
    runs = 0

    @with_db_retry(first_pause=0.01)
    async def work() -> None:
        nonlocal runs
        runs += 1
        async with manager.engine.begin() as one, manager.engine.begin() as two:
            await one.execute(text("INSERT INTO steps VALUES (1, 'x')"))
            await two.execute(text("SET innodb_lock_wait_timeout = 1"))
            if runs == 1:
                await two.execute(text("INSERT INTO steps VALUES (1, 'x')"))

    await work()
    assert runs == 2


async def test_a_locked_sqlite_file_is_waited_for_again(tmp_path: object) -> None:
    manager = DatabaseManager(f"sqlite+aiosqlite:///{tmp_path}/x.db", connect_timeout=0.05)
    runs = 0

    @with_db_retry(max_attempts=2, first_pause=0.01)
    async def work() -> None:
        nonlocal runs
        runs += 1
        async with manager.session() as session:
            await session.execute(text("SELECT 1"))

    async with manager.session() as holder:
        await holder.execute(text("SELECT 1"))
        with pytest.raises(TransientDatabaseError, match="locked") as caught:
            await work()
    assert runs == 2
    assert "attempts: 2" in caught.value.__notes__
    await manager.close()


async def test_after_the_last_attempt_the_error_has_their_number_and_the_cause() -> None:
    manager = DatabaseManager(f"mysql+asyncmy://u:p@127.0.0.1:{free_port()}/x")

    @with_db_retry(max_attempts=3, first_pause=0.01)
    async def by_session() -> None:
        async with manager.session() as session:
            await session.execute(text("SELECT 1"))

    @with_db_retry(max_attempts=3, first_pause=0.01)
    async def bare() -> None:
        async with manager.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    for work in (by_session, bare):
        with pytest.raises(DatabaseConnectionError) as caught:
            await work()
        assert "attempts: 3" in caught.value.__notes__
        assert caught.value.__cause__ is not None
    await manager.close()


@pytest.mark.parametrize(
    "error",
    [DuplicateEntityError("Step"), CommitOutcomeUnknownError(), LookupError("x"), ZeroDivisionError()],
)
async def test_other_errors_leave_at_once(error: Exception) -> None:
    runs = 0

    @with_db_retry()
    async def work() -> None:
        nonlocal runs
        runs += 1
        raise error

    with pytest.raises(type(error)) as caught:
        await work()
    assert caught.value is error
    assert runs == 1


def test_an_unknown_outcome_is_never_retryable() -> None:
    class OddError(DatabaseConnectionError):
        commit_outcome_unknown = True

    assert is_retryable(DatabaseConnectionError())
    assert not is_retryable(OddError())


@mariadb
async def test_a_lost_commit_is_not_run_again(manager: DatabaseManager) -> None:
    runs = 0

    @with_db_retry(first_pause=0.01)
    async def work() -> None:
        nonlocal runs
        runs += 1
        async with manager.session() as session, TransactionManager(session).transaction():
            await BaseRepository(session, Step).create(Step(id=1))
            await kill(manager, session)

    with pytest.raises(CommitOutcomeUnknownError):
        await work()
    assert runs == 1
