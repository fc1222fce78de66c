"""Each error is caused on a real database; only what a healthy test server never says is made by hand."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from asyncmy.errors import OperationalError as MysqlOperationalError
from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shardwise.config import PoolSettings
from shardwise.errors import (
    CommitOutcomeUnknownError,
    ConstraintViolationError,
    DatabaseAccessError,
    DatabaseConnectionError,
    DatabaseError,
    DuplicateEntityError,
    InvalidValueError,
    MissingTableError,
    ShardwiseError,
    TransientDatabaseError,
    ValueRefusedError,
)
from shardwise.schema.types import UnsignedBigInt
from shardwise.testing.servers import MariaDBServer, free_port
from shardwise.topology.driver_errors import has_undone_transaction, wrap, wrapping
from shardwise.topology.engines import create_engine

SECRET = "s3cret-value"


class Base(DeclarativeBase):
    pass


class Parent(Base):
    __tablename__ = "parents"
    __table_args__ = (
        UniqueConstraint("email", name="uk_email"),
        CheckConstraint("age < 200", name="ck_age"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(20))
    age: Mapped[int | None]
    big: Mapped[int | None] = mapped_column(UnsignedBigInt())


class Child(Base):
    __tablename__ = "children"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int] = mapped_column(ForeignKey("parents.id", name="fk_parent"))


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database_url, PoolSettings(connect_timeout=0.2))  # type: ignore[call-arg]
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(insert(Parent).values(id=1, email="taken"))
    yield engine
    await engine.dispose()


async def refusal(engine: AsyncEngine, statement: object, entity: object = None) -> ShardwiseError:
    """What a statement is refused with; checks what must hold of every error."""

    async def execute() -> None:
        with wrapping(entity):  # type: ignore[arg-type]
            async with engine.connect() as connection:
                await connection.execute(statement)  # type: ignore[call-overload]

    with pytest.raises(ShardwiseError) as caught:
        await execute()
    assert SECRET not in str(caught.value)
    return caught.value


async def test_duplicates_name_the_constraint(engine: AsyncEngine) -> None:
    error = await refusal(engine, insert(Parent).values(id=2, email="taken"), Parent)
    assert isinstance(error, DuplicateEntityError)
    assert (error.entity, error.constraint) == ("Parent", "uk_email")
    assert isinstance(error.__cause__, DBAPIError)
    error = await refusal(engine, insert(Parent).values(id=1, email="new"), Parent)
    assert isinstance(error, DuplicateEntityError)
    assert error.constraint == "PRIMARY"


async def test_without_an_entity_the_table_is_named(engine: AsyncEngine, engine_kind: str) -> None:
    error = await refusal(engine, insert(Parent).values(id=2, email="taken"))
    assert isinstance(error, DuplicateEntityError)
    assert error.entity == "parents"
    assert error.constraint == {"sqlite": "parents.email", "mariadb": "uk_email"}[engine_kind]


async def test_the_table_that_failed_is_named_not_the_one_asked_for(engine: AsyncEngine) -> None:
    """As when a flush for one model stores another one's row first."""
    error = await refusal(engine, insert(Parent).values(id=2, email="taken"), Child)
    assert isinstance(error, DuplicateEntityError)
    assert error.entity == "parents"


async def test_a_value_can_not_pass_for_a_constraint(engine: AsyncEngine) -> None:
    value = "x' for key 'y"
    async with engine.begin() as connection:
        await connection.execute(insert(Parent).values(id=5, email=value))
    error = await refusal(engine, insert(Parent).values(id=6, email=value), Parent)
    assert isinstance(error, DuplicateEntityError)
    assert error.constraint == "uk_email"


async def test_broken_rules(engine: AsyncEngine, engine_kind: str) -> None:
    error = await refusal(engine, insert(Child).values(id=1, parent_id=99), Child)
    assert isinstance(error, ConstraintViolationError)
    assert (error.entity, error.rule) == ("Child", "foreign key")
    assert error.constraint == {"sqlite": None, "mariadb": "fk_parent"}[engine_kind]

    error = await refusal(engine, insert(Parent).values(id=2, email=None), Parent)
    assert isinstance(error, ConstraintViolationError)
    assert (error.rule, error.constraint) == ("not null", "email")

    error = await refusal(engine, insert(Parent).values(id=2, email=SECRET, age=200), Parent)
    assert isinstance(error, ConstraintViolationError)
    assert (error.rule, error.constraint) == ("check", "ck_age")


async def test_deleting_what_others_need(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(Child).values(id=1, parent_id=1))
    error = await refusal(engine, text("DELETE FROM parents WHERE id = 1"))
    assert isinstance(error, ConstraintViolationError)
    assert (error.entity, error.rule) == ("parents", "foreign key")


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_values_that_the_server_refuses(engine: AsyncEngine) -> None:
    statements = {
        "Parent.email": insert(Parent).values(id=2, email=SECRET * 9),
        "Parent.age": insert(Parent).values(id=2, email="x", age=1 << 40),
        "Parent.id": text(f"INSERT INTO parents (id, email) VALUES ('{SECRET}', 'x')"),
    }
    for field, statement in statements.items():
        error = await refusal(engine, statement, Parent)
        assert isinstance(error, ValueRefusedError)
        assert isinstance(error, InvalidValueError)
        assert error.field == field


async def test_values_that_the_driver_or_a_type_refuses(engine: AsyncEngine) -> None:
    for statement in (
        insert(Parent).values(id=2, email="\ud800" + SECRET),
        insert(Parent).values(id=2, email="x", big=1 << 64),
        insert(Parent).values(id=2, email="x", big=-1),
        insert(Parent).values(id=1 << 80, email="x"),
    ):
        error = await refusal(engine, statement, Parent)
        assert isinstance(error, (InvalidValueError, DatabaseError)), statement
        assert not error.retryable


async def test_missing_tables_and_columns(engine: AsyncEngine) -> None:
    error = await refusal(engine, text("SELECT * FROM nowhere"))
    assert isinstance(error, MissingTableError)
    assert error.table == "nowhere"
    assert "shardwise upgrade" in str(error)
    error = await refusal(engine, text(f"SELECT '{SECRET}', nothing FROM parents"))
    assert type(error) is DatabaseError
    error = await refusal(engine, text(f"SELEC '{SECRET}'"))
    assert type(error) is DatabaseError


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_deadlock(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(Parent).values(id=2, email="second"))
    async with engine.connect() as one, engine.connect() as two:
        await one.execute(text("UPDATE parents SET age = 1 WHERE id = 1"))
        await two.execute(text("UPDATE parents SET age = 2 WHERE id = 2"))

        async def cross(connection: object, row: int) -> None:
            with wrapping(Parent):
                await connection.execute(text(f"UPDATE parents SET age = 3 WHERE id = {row}"))  # type: ignore[attr-defined]

        results = await asyncio.gather(cross(one, 2), cross(two, 1), return_exceptions=True)
    (error,) = [result for result in results if result is not None]
    assert isinstance(error, TransientDatabaseError)
    assert error.retryable
    assert "deadlock" in str(error)
    assert has_undone_transaction(error)


async def test_a_lock_that_is_not_free_in_time(engine: AsyncEngine, engine_kind: str) -> None:
    async with engine.connect() as holder, engine.connect() as waiter:
        if engine_kind == "mariadb":
            await waiter.execute(text("SET innodb_lock_wait_timeout = 1"))
        else:
            await waiter.rollback()
        await holder.execute(text("UPDATE parents SET age = 1 WHERE id = 1"))
        with pytest.raises(TransientDatabaseError) as caught, wrapping(Parent):
            await waiter.execute(text("UPDATE parents SET age = 2 WHERE id = 1"))
        await waiter.rollback()
        await holder.rollback()
    assert caught.value.retryable
    assert not has_undone_transaction(caught.value)


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_a_killed_connection(engine: AsyncEngine) -> None:
    async with engine.connect() as victim, engine.connect() as killer:
        number = await victim.scalar(text("SELECT CONNECTION_ID()"))
        await killer.execute(text(f"KILL {number}"))
        with pytest.raises(DatabaseConnectionError) as caught, wrapping():
            await victim.execute(text("SELECT 1"))
    assert caught.value.retryable
    assert "lost" in str(caught.value)


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_a_connection_lost_in_commit_is_an_unknown_outcome(engine: AsyncEngine) -> None:
    async with engine.connect() as victim, engine.connect() as killer:
        number = await victim.scalar(text("SELECT CONNECTION_ID()"))
        await victim.execute(insert(Parent).values(id=9, email="x"))
        await killer.execute(text(f"KILL {number}"))
        with pytest.raises(CommitOutcomeUnknownError) as caught, wrapping(committing=True):
            await victim.commit()
    assert not caught.value.retryable
    assert caught.value.commit_outcome_unknown


async def test_servers_that_can_not_be_reached(mariadb_server: MariaDBServer, tmp_path: Path) -> None:
    wrong_password = mariadb_server.url("mysql").replace(mariadb_server.password, SECRET)
    cases: list[tuple[str, type[DatabaseError], bool]] = [
        (f"mysql+asyncmy://u:{SECRET}@127.0.0.1:{free_port()}/x", DatabaseConnectionError, True),
        (f"mysql+asyncmy://u:{SECRET}@nowhere.invalid/x", DatabaseConnectionError, True),
        (wrong_password, DatabaseAccessError, False),
        (mariadb_server.url("no_such_database"), DatabaseAccessError, False),
        (f"sqlite+aiosqlite:///{tmp_path}", DatabaseConnectionError, True),
    ]
    for url, kind, retryable in cases:
        engine = create_engine(url)
        error = await refusal(engine, select(1))
        await engine.dispose()
        assert (type(error), error.retryable) == (kind, retryable), str(error)
        assert isinstance(error, DatabaseConnectionError)


async def test_a_full_pool(database_url: str) -> None:
    engine = create_engine(database_url, PoolSettings(pool_size=1, max_overflow=0, pool_timeout=0.05))  # type: ignore[call-arg]
    async with engine.connect():
        with pytest.raises(DatabaseConnectionError, match="pool_size"), wrapping():
            await engine.connect()
    await engine.dispose()


@pytest.mark.parametrize(
    ("code", "text", "kind", "retryable"),
    [
        (1053, "Server shutdown in progress", DatabaseConnectionError, True),
        (1040, "Too many connections", DatabaseConnectionError, True),
        (1290, "... running with the --read-only option ...", DatabaseConnectionError, True),
        (1290, "... running with the --secure-file-priv option ...", DatabaseError, False),
        (1020, "Record has changed since last read", TransientDatabaseError, True),
        (1305, "SAVEPOINT sa_savepoint_1 does not exist", TransientDatabaseError, True),
        (1305, "PROCEDURE app.nothing does not exist", DatabaseError, False),
        (3819, "Check constraint 'ck_age' is violated.", ConstraintViolationError, False),
        (9999, SECRET, DatabaseError, False),
    ],
)
def test_what_a_test_server_never_says(
    code: int, text: str, kind: type[DatabaseError], retryable: bool
) -> None:
    error = wrap(
        OperationalError("UPDATE parents SET age = 1", {}, MysqlOperationalError(code, text)), Parent
    )
    assert (type(error), error.retryable) == (kind, retryable)
    assert SECRET not in str(error)


def test_mysql_8_names_the_table_with_the_key() -> None:
    driver = MysqlOperationalError(1062, "Duplicate entry 'x' for key 'parents.uk_email'")
    error = wrap(OperationalError("INSERT INTO parents", {}, driver), Parent)
    assert isinstance(error, DuplicateEntityError)
    assert error.constraint == "uk_email"


def test_a_closed_sqlite_connection() -> None:
    error = wrap(OperationalError("SELECT 1", {}, sqlite3.OperationalError("no active connection")))
    assert type(error) is DatabaseConnectionError


def test_errors_that_are_not_a_databases_pass() -> None:
    with pytest.raises(ZeroDivisionError), wrapping():
        raise ZeroDivisionError
