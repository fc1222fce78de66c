"""Blocks of the old service in which everything is one transaction."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    DatabaseConnectionError,
    DatabaseError,
    DuplicateEntityError,
    InvalidValueError,
    ProcedureScopeError,
    TransientDatabaseError,
    UnknownShardError,
    WrongShardError,
)
from shardwise.finance.tutorial.models import TutorialProgress
from shardwise.legacy import registry
from shardwise.legacy.parameters import u64
from shardwise.legacy.procedure import Call, OnError, Procedure, Rows, Scope
from shardwise.legacy.service import DatabaseService

LOG = "table_errorlog"
ADD = f"INSERT INTO {LOG} (procedure_name, param, create_time) VALUES (%s, '', %s)"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
NAMES = f"SELECT procedure_name AS name FROM {LOG} ORDER BY idx"
PUBLISH = ("signal", "p-1", "saved", "s-1", "{}")


class OwnError(Exception):
    pass


async def _write_and_fail(call: Call, *, account_db_key: int) -> Rows:
    call.session.add(
        TutorialProgress(account_db_key=account_db_key, tutorial_type="FAILED", completed_step=1)
    )
    await call.session.flush()
    raise InvalidValueError("step", "it is forbidden")


def _failing(name: str, on_error: OnError) -> Procedure:
    return Procedure(
        name=name,
        scope=Scope.SHARD,
        signatures=((u64("account_db_key"),),),
        results=((),),
        run=_write_and_fail,
        on_error=on_error,
    )


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two more procedures: one raises, one answers with a row."""
    more = registry.by_name(
        [_failing("fp_failing", OnError.RAISE), _failing("fp_failing_row", OnError.ERROR_ROW)]
    )
    known = registry._registry()
    monkeypatch.setattr(registry, "_registry", lambda: {**known, **more})


@pytest.fixture
async def home(db: ShardedDatabase) -> int:
    """The shard of account 2."""
    return (await db.place_account(2)).shard_id


async def types(db: ShardedDatabase, shard_id: int) -> set[str]:
    async with db.shard_session(shard_id, read_only=True) as session:
        return set(await session.scalars(select(TutorialProgress.tutorial_type)))


async def outbox(service: DatabaseService, shard_id: int) -> list[dict[str, Any]]:
    return await service.execute_shard_query(shard_id, "SELECT sequence_no FROM universal_outbox")


# All or nothing


async def test_a_block_is_one_transaction(service: DatabaseService) -> None:
    async with service.get_transaction() as tx:
        assert await tx.execute_non_query(ADD, ("a", NOW)) == 1
        assert await tx.execute_query(NAMES) == [{"name": "a"}]
    with pytest.raises(OwnError):
        async with await service.get_transaction() as tx:
            await tx.execute_query(ADD, ("b", NOW))
            raise OwnError
    assert await service.execute_query(NAMES) == [{"name": "a"}]


async def test_a_block_that_was_left_takes_nothing_more(service: DatabaseService) -> None:
    async with service.get_transaction() as tx:
        pass
    for late in (tx.execute_query(NAMES), tx.execute_non_query(NAMES), tx.call_procedure("fp_user_login")):
        with pytest.raises(DatabaseError, match="was left"):
            await late


async def test_a_block_on_a_shard(service: DatabaseService) -> None:
    async with service.get_transaction(2) as tx:
        await tx.execute_query(ADD, ("a", NOW))
        assert tx.shard_id == 2
    async with await service.get_transaction(shard_id=2) as tx:
        assert await tx.execute_query(NAMES) == [{"name": "a"}]
    assert await service.execute_shard_query(1, NAMES) == []
    with pytest.raises(UnknownShardError):
        async with service.get_transaction(9):
            pass


async def test_publishing_is_atomic_with_the_change(service: DatabaseService, home: int) -> None:
    with pytest.raises(OwnError):
        async with service.get_transaction(home) as tx:
            await tx.call_procedure("fp_tutorial_complete_step", (2, "CHAT", 1))
            [row] = await tx.call_procedure("fp_universal_outbox_publish", PUBLISH)
            assert (row["result"], row["sequence_no"]) == ("SUCCESS", 1)
            raise OwnError
    assert await types(service.db, home) == set()
    assert await outbox(service, home) == []
    async with service.get_transaction(home) as tx:
        await tx.execute_stored_procedure("fp_tutorial_complete_step", (2, "CHAT", 1))
        await tx.call_procedure("fp_universal_outbox_publish", PUBLISH)
    assert await types(service.db, home) == {"CHAT"}
    assert await outbox(service, home) == [{"sequence_no": 1}]


async def test_the_id_is_the_transactions(service: DatabaseService) -> None:
    async with service.get_transaction() as tx:
        assert await tx.get_last_insert_id() == 0
        await tx.execute_non_query(ADD, ("a", NOW))
        first = await tx.get_last_insert_id()
        await tx.execute_query(NAMES)
        assert await tx.execute_query(f"SELECT procedure_name AS name FROM {LOG} WHERE idx = %s", first) == [
            {"name": "a"}
        ]
        await tx.execute_non_query(ADD, ("b", NOW))
        assert await tx.get_last_insert_id() > first


# Failing calls in a block


@pytest.mark.usefixtures("failing")
async def test_a_failing_call_undoes_itself_and_is_logged_after_the_block(
    service: DatabaseService, home: int, log: Any
) -> None:
    async with service.get_transaction(home) as tx:
        await tx.call_procedure("fp_tutorial_complete_step", (2, "CHAT", 1))
        with pytest.raises(InvalidValueError):
            await tx.call_procedure("fp_failing", (2,))
        assert await tx.call_procedure("fp_failing_row", (2,)) == [
            {"ErrorCode": 1, "ErrorMessage": "step: it is forbidden"}
        ]
        with pytest.raises(InvalidValueError):
            await tx.call_procedure("fp_failing", ("x",))
        assert await tx.execute_query(NAMES) == []  # the log waits
    assert await types(service.db, home) == {"CHAT"}
    rows = await log.rows(home)
    assert [(row["procedure_name"], row["param"]) for row in rows] == [
        ("fp_failing", "account_db_key=2"),
        ("fp_failing_row", "account_db_key=2"),
        ("fp_failing", "account_db_key=x"),
    ]


@pytest.mark.usefixtures("failing")
async def test_calls_of_several_tasks_follow_one_another(
    service: DatabaseService, home: int, log: Any
) -> None:
    async with service.get_transaction(home) as tx:
        results = await asyncio.gather(
            tx.call_procedure("fp_failing", (2,)),
            *(tx.execute_non_query(ADD, (f"task {number}", NOW)) for number in range(4)),
            tx.call_procedure("fp_tutorial_complete_step", (2, "CHAT", 1)),
            tx.call_procedure("fp_failing_row", (2,)),
            return_exceptions=True,
        )
    assert isinstance(results[0], InvalidValueError)
    assert results[1:5] == [1] * 4
    rows = await log.rows(home)
    assert sorted(row["procedure_name"] for row in rows if row["param"] == "") == [
        f"task {number}" for number in range(4)
    ]
    assert await types(service.db, home) == {"CHAT"}


async def test_the_end_of_a_block_waits_for_calls_under_way(service: DatabaseService, home: int) -> None:
    async with service.get_transaction(home) as tx:
        calls = [
            asyncio.create_task(tx.call_procedure("fp_tutorial_complete_step", (2, name, 1)))
            for name in ("FIRST", "SECOND")
        ]
        await asyncio.sleep(0)
    [first], second = await calls[0], (await asyncio.gather(calls[1], return_exceptions=True))[0]
    assert first["result"] == "SUCCESS"
    assert await types(service.db, home) == (
        {"FIRST"} if isinstance(second, DatabaseError) else {"FIRST", "SECOND"}
    )


@pytest.mark.usefixtures("failing")
async def test_the_log_survives_the_rollback(service: DatabaseService, home: int, log: Any) -> None:
    with pytest.raises(InvalidValueError):
        async with service.get_transaction(home) as tx:
            await tx.call_procedure("fp_tutorial_complete_step", (2, "CHAT", 1))
            await tx.call_procedure("fp_failing", (2,))
    assert await types(service.db, home) == set()
    assert [row["error_message"] for row in await log.rows(home)] == [
        "InvalidValueError: step: it is forbidden"
    ]


async def test_a_refused_statement_leaves_the_block_usable(service: DatabaseService) -> None:
    async with service.get_transaction() as tx:
        await tx.execute_query(ADD, ("a", NOW))
        with pytest.raises(DuplicateEntityError):
            await tx.execute_query("INSERT INTO table_shard_stats (shard_id, user_count) VALUES (1, 0)")
    assert await service.execute_query(NAMES) == [{"name": "a"}]


async def test_calls_go_where_they_belong(service: DatabaseService, home: int, log: Any) -> None:
    async with service.get_transaction(3 - home) as tx:
        with pytest.raises(WrongShardError):
            await tx.call_procedure("fp_tutorial_complete_step", (2, "CHAT", 1))
        with pytest.raises(ProcedureScopeError):
            await tx.call_procedure("fp_get_active_shard_ids")
    assert len(await log.rows(3 - home)) == 1


async def test_what_a_block_has_committed_is_followed(service: DatabaseService) -> None:
    async with service.get_transaction() as tx:
        await tx.call_procedure("fp_update_shard_status", (2, "maintenance"))
        await tx.execute_query(
            "INSERT INTO table_user_shard_mapping (account_db_key, shard_id) VALUES (7, 1)"
        )
        assert await service.get_active_shard_ids() == [1, 2]
    assert await service.get_active_shard_ids() == [1]
    assert (await service.db.where(7)).shard_id == 1
    with pytest.raises(OwnError):
        async with service.get_transaction() as tx:
            await tx.call_procedure("fp_update_shard_status", (1, "maintenance"))
            raise OwnError
    assert await service.get_active_shard_ids() == [1]


async def test_a_cancelled_block_leaves_nothing(service: DatabaseService, home: int, log: Any) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        async with service.get_transaction(home) as tx:
            await tx.call_procedure("fp_tutorial_complete_step", (2, "CHAT", 1))
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await types(service.db, home) == set()
    assert await log.rows(home) == []


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_a_deadlock_that_was_swallowed_commits_nothing(service: DatabaseService) -> None:
    for name in ("a", "b"):
        await service.execute_query(ADD, (name, NOW))
    change = f"UPDATE {LOG} SET param = %s WHERE procedure_name = %s"
    await service.execute_query(f"CREATE INDEX own_index ON {LOG} (procedure_name)")
    ready, swallowed = asyncio.Barrier(2), []

    async def work(first: str, second: str) -> None:
        async with service.get_transaction() as tx:
            await tx.execute_query(change, (f"by {first}", first))
            await ready.wait()
            try:
                await tx.execute_query(change, (f"by {first}", second))
            except TransientDatabaseError:
                swallowed.append(first)
            await tx.execute_query(ADD, (f"half of {first}", NOW))

    results = await asyncio.gather(work("a", "b"), work("b", "a"), return_exceptions=True)
    assert len(swallowed) == 1
    [error] = [one for one in results if one is not None]
    assert isinstance(error, TransientDatabaseError)
    names = [row["name"] for row in await service.execute_query(NAMES)]
    assert f"half of {swallowed[0]}" not in names
    await service.execute_query(f"DROP INDEX own_index ON {LOG}")


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_a_lost_connection_leaves_nothing(service: DatabaseService) -> None:
    with pytest.raises(DatabaseConnectionError):
        async with service.get_transaction() as tx:
            await tx.execute_query(ADD, ("a", NOW))
            [row] = await tx.execute_query("SELECT CONNECTION_ID() AS id")
            await service.execute_query("KILL %s", row["id"])
            await tx.execute_query(ADD, ("b", NOW))
    assert await service.execute_query(NAMES) == []
