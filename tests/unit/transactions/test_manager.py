import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable

import pytest
from sqlalchemy import String, insert, text, update
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shardwise.errors import (
    CommitOutcomeUnknownError,
    DatabaseConnectionError,
    DuplicateEntityError,
    TransientDatabaseError,
)
from shardwise.repository import BaseRepository
from shardwise.topology.manager import DatabaseManager
from shardwise.transactions.manager import TransactionManager


class Base(DeclarativeBase):
    pass


class Step(Base):
    __tablename__ = "steps"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(20), default="x")


async def stored(manager: DatabaseManager) -> list[int]:
    async with manager.session() as session:
        return [step.id for step in await BaseRepository(session, Step).list()]


async def add_and_fail(session: AsyncSession, id: int) -> None:
    """A block that is undone."""
    async with TransactionManager(session).transaction():
        await add(session, id)
        raise ZeroDivisionError


def add(session: AsyncSession, *ids: int) -> Awaitable[list[Step]]:
    return BaseRepository(session, Step).create_many([Step(id=id) for id in ids])


async def test_all_or_nothing(manager: DatabaseManager) -> None:
    async with manager.session() as session, TransactionManager(session).transaction():
        await add(session, 1)
        await add(session, 2)
    assert await stored(manager) == [1, 2]

    async def fail() -> None:
        async with manager.session() as session, TransactionManager(session).transaction():
            await add(session, 3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await stored(manager) == [1, 2]


async def test_the_outermost_block_commits_at_its_end(manager: DatabaseManager) -> None:
    async with AsyncSession(manager.engine) as session:
        async with TransactionManager(session).transaction() as same:
            assert same is session
            await add(session, 1)
        assert not session.in_transaction()
        assert await stored(manager) == [1]


async def test_an_undone_block_leaves_the_session_usable(manager: DatabaseManager) -> None:
    async with manager.session() as session:
        with pytest.raises(ZeroDivisionError):
            await add_and_fail(session, 1)
        async with TransactionManager(session).transaction():
            await add(session, 2)
    assert await stored(manager) == [2]


async def test_an_inner_block_is_undone_alone(manager: DatabaseManager) -> None:
    async with manager.session() as session:
        outer = TransactionManager(session)
        async with outer.transaction():
            await add(session, 1)
            with contextlib.suppress(ZeroDivisionError):
                async with outer.transaction():
                    await add(session, 2)
                    async with TransactionManager(session).transaction():
                        await add(session, 3)
                    raise ZeroDivisionError
            async with outer.transaction():
                await add(session, 4)
                with pytest.raises(ZeroDivisionError):
                    await add_and_fail(session, 5)
            await add(session, 6)
    assert await stored(manager) == [1, 4, 6]


async def test_the_outer_block_undoes_inner_ones(manager: DatabaseManager) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with manager.session() as session, TransactionManager(session).transaction():
            async with TransactionManager(session).transaction():
                await add(session, 1)
            raise ZeroDivisionError
    assert await stored(manager) == []


async def test_within_a_transaction_that_has_begun_the_owner_commits(manager: DatabaseManager) -> None:
    async with AsyncSession(manager.engine) as session:
        await add(session, 1)
        async with TransactionManager(session).transaction():
            await add(session, 2)
        await session.rollback()
    assert await stored(manager) == []
    async with manager.session() as session:
        await add(session, 1)
        async with TransactionManager(session).transaction():
            await add(session, 2)
    assert await stored(manager) == [1, 2]


async def test_a_refused_row_costs_only_its_block(manager: DatabaseManager) -> None:
    async def again(session: AsyncSession) -> None:
        async with TransactionManager(session).transaction():
            await add(session, 2)
            session.expunge_all()
            await add(session, 1)

    async with manager.session() as session, TransactionManager(session).transaction():
        await add(session, 1)
        with pytest.raises(DuplicateEntityError):
            await again(session)
        await add(session, 3)
    assert await stored(manager) == [1, 3]


async def test_pending_objects_are_stored_by_their_block(manager: DatabaseManager) -> None:
    """Errors of their INSERT are ours, and belong to the block that added them."""
    async with manager.session() as session:
        async with TransactionManager(session).transaction():
            session.add(Step(id=1))
        session.expunge_all()
        with pytest.raises(DuplicateEntityError):
            async with TransactionManager(session).transaction():
                session.add(Step(id=1))
    assert await stored(manager) == [1]


async def test_a_cancelled_block_is_undone(manager: DatabaseManager) -> None:
    async def work() -> None:
        async with manager.session() as session, TransactionManager(session).transaction():
            await add(session, 1)
            async with TransactionManager(session).transaction():
                await add(session, 2)
                await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await stored(manager) == []


async def test_committing_inside_a_block_is_refused(manager: DatabaseManager) -> None:
    async def work(session: AsyncSession) -> None:
        async with TransactionManager(session).transaction():
            await add(session, 1)
            await session.commit()
            await add(session, 2)

    async with AsyncSession(manager.engine) as session:
        with pytest.raises(InvalidRequestError):
            await work(session)
    assert await stored(manager) == [1]


# What only a server does


mariadb = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)


class Collision:
    """Two sessions that hold a row each and want the other's; the one with fewer changes loses."""

    def __init__(self, manager: DatabaseManager) -> None:
        self.manager = manager
        self.loser = AsyncSession(manager.engine, expire_on_commit=False)
        self.winner = AsyncSession(manager.engine, expire_on_commit=False)

    async def prepare(self) -> None:
        async with self.manager.session() as session:
            await add(session, 1, 2)
        await add(self.winner, *range(100, 160))
        await BaseRepository(self.winner, Step).update(2, name="winner")

    async def collide(self, losing: Awaitable[object]) -> BaseException | None:
        """Run the loser's statement against the winner's; return what the loser met."""
        winning = BaseRepository(self.winner, Step).update(1, name="winner")
        result, _ = await asyncio.gather(losing, winning, return_exceptions=True)
        return result if isinstance(result, BaseException) else None

    async def close(self) -> None:
        await self.loser.close()
        await self.winner.close()


@pytest.fixture
async def collision(manager: DatabaseManager) -> AsyncIterator[Collision]:
    collision = Collision(manager)
    await collision.prepare()
    yield collision
    await collision.close()


@mariadb
@pytest.mark.parametrize("flushed", [True, False])
async def test_a_deadlock_in_a_savepoint_is_told_and_can_not_be_half_committed(
    manager: DatabaseManager, collision: Collision, flushed: bool
) -> None:
    """InnoDB undoes all of it. SQLAlchemy alone reports a missing savepoint, and then commits row 11."""
    session = collision.loser

    async def inner() -> None:
        async with TransactionManager(session).transaction():
            if flushed:
                await BaseRepository(session, Step).update(2, name="loser")
            else:
                await session.execute(text("UPDATE steps SET name = 'loser' WHERE id = 2"))

    async def outer() -> None:
        async with TransactionManager(session).transaction():
            await add(session, 10)
            await BaseRepository(session, Step).update(1, name="loser")
            error = await collision.collide(inner())
            assert isinstance(error, TransientDatabaseError)
            assert "deadlock" in str(error)
            await session.execute(text("INSERT INTO steps (id, name) VALUES (11, 'lost')"))

    with pytest.raises(TransientDatabaseError, match="undone") as refused:
        await outer()
    assert refused.value.retryable
    await collision.winner.rollback()
    assert await stored(manager) == [1, 2]

    async with TransactionManager(session).transaction():  # a new transaction is free of it
        await add(session, 12)
    assert await stored(manager) == [1, 2, 12]


@mariadb
async def test_a_deadlock_that_the_block_swallows_is_noticed(
    manager: DatabaseManager, collision: Collision
) -> None:
    session = collision.loser

    async def work() -> None:
        async with TransactionManager(session).transaction():
            await add(session, 10)
            async with TransactionManager(session).transaction():
                await BaseRepository(session, Step).update_many({"id": 1}, {"name": "loser"})
                update = BaseRepository(session, Step).update_many({"id": 2}, {"name": "loser"})
                assert isinstance(await collision.collide(update), TransientDatabaseError)

    with pytest.raises(TransientDatabaseError):
        await work()
    assert await stored(manager) == [1, 2]


@mariadb
async def test_a_deadlock_that_is_swallowed_without_a_savepoint_is_noticed(
    manager: DatabaseManager, collision: Collision
) -> None:
    session = collision.loser
    steps = BaseRepository(session, Step)

    async def work() -> None:
        async with TransactionManager(session).transaction():
            await steps.create_many([{"id": 10}])
            await steps.update_many({"id": 1}, {"name": "loser"})
            assert await collision.collide(steps.update_many({"id": 2}, {"name": "loser"})) is not None
            await steps.create_many([{"id": 11}])

    with pytest.raises(TransientDatabaseError, match="undone"):
        await work()
    assert await stored(manager) == [1, 2]


@mariadb
async def test_a_deadlock_of_a_bare_statement_that_is_swallowed_is_noticed(
    manager: DatabaseManager, collision: Collision
) -> None:
    """Neither a repository nor a savepoint sees it: the connection itself refuses the COMMIT."""

    async def work() -> None:
        async with manager.session() as session:
            await session.execute(insert(Step).values(id=10))
            await session.execute(update(Step).where(Step.id == 1).values(name="loser"))
            bare = session.execute(update(Step).where(Step.id == 2).values(name="loser"))
            assert await collision.collide(bare) is not None
            await session.execute(insert(Step).values(id=11))

    with pytest.raises(TransientDatabaseError, match="undone"):
        await work()
    assert manager.checked_out() == 1  # the winner's
    await collision.winner.rollback()
    for number in range(20, 26):  # on every connection of the pool
        async with manager.session() as session:
            await session.execute(insert(Step).values(id=number))
    assert await stored(manager) == [1, 2, *range(20, 26)]


async def lose_connection(manager: DatabaseManager, *steps: Step) -> None:
    """A transaction whose connection is lost just before its end, with objects still to be stored."""
    async with (
        AsyncSession(manager.engine) as session,
        manager.session() as killer,
        TransactionManager(session).transaction(),
    ):
        number = await session.scalar(text("SELECT CONNECTION_ID()"))
        await killer.execute(text(f"KILL {number}"))
        session.add_all(steps)


@mariadb
async def test_a_connection_lost_in_commit_is_an_unknown_outcome(manager: DatabaseManager) -> None:
    with pytest.raises(CommitOutcomeUnknownError):
        await lose_connection(manager)


@mariadb
async def test_a_connection_lost_before_commit_is_not(manager: DatabaseManager) -> None:
    """The INSERT meets it, so COMMIT was never sent."""
    with pytest.raises(DatabaseConnectionError, match="lost"):
        await lose_connection(manager, Step(id=1))
