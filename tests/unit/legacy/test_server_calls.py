"""An application's own stored procedures, on MariaDB."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shardwise.errors import (
    CommitOutcomeUnknownError,
    DatabaseError,
    DuplicateEntityError,
    InvalidValueError,
    TransientDatabaseError,
    UnknownProcedureError,
)
from shardwise.legacy.service import DatabaseService

pytestmark = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)

LOG = "table_errorlog"
COUNT = f"SELECT COUNT(*) AS n FROM {LOG}"
PROCEDURES = {
    "own_two_sets": "(p_a INT, p_b VARCHAR(20)) BEGIN"
    " SELECT 'SUCCESS' AS result; SELECT p_a AS a, p_b AS b UNION ALL SELECT NULL, 'last'; END",
    "own_write": f"(p_name VARCHAR(45)) INSERT INTO {LOG} (procedure_name, param) VALUES (p_name, '')",
    "own_own_tx": f"(p_name VARCHAR(45)) BEGIN START TRANSACTION;"
    f" INSERT INTO {LOG} (procedure_name, param) VALUES (p_name, ''); COMMIT; SELECT 1 AS done; END",
    "own_fail_late": "(p_name VARCHAR(45)) BEGIN"
    f" INSERT INTO {LOG} (procedure_name, param) VALUES (p_name, ''); SELECT 'SUCCESS' AS result;"
    " INSERT INTO table_shard_stats (shard_id, user_count) VALUES (1, 0); END",
    "own_signal": "() SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the value s3cret is wrong'",
    "own_warning": "() BEGIN SELECT CAST('1x' AS SIGNED) AS n; SELECT 2 AS n; END",
    "own_sleep": "() BEGIN SELECT 1 AS n; DO SLEEP(20); SELECT 2 AS n; END",
}


@pytest.fixture(autouse=True)
async def _own(service: DatabaseService) -> AsyncIterator[None]:
    for name, body in PROCEDURES.items():
        await service.execute_query(f"CREATE PROCEDURE {name} {body.replace('%', '%%')}")
    yield
    for name in PROCEDURES:
        await service.execute_query(f"DROP PROCEDURE {name}")


async def count(service: DatabaseService) -> int:
    [row] = await service.execute_query(COUNT)
    return int(row["n"])


async def test_all_sets_come_in_one_list(service: DatabaseService) -> None:
    expected = [{"result": "SUCCESS"}, {"a": 7, "b": "x'%s"}, {"a": None, "b": "last"}]
    assert await service.call_global_procedure("own_two_sets", (7, "x'%s")) == expected
    schema = service.db.global_manager.url.database
    assert await service.call_global_procedure(f"{schema}.own_two_sets", [7, "x'%s"]) == expected
    async with service.get_transaction() as tx:
        assert await tx.call_procedure("own_two_sets", (7, "x'%s")) == expected
        assert await tx.execute_query("SELECT 1 AS one") == [{"one": 1}]


async def test_what_it_writes_is_committed(service: DatabaseService) -> None:
    assert await service.call_global_procedure("own_write", "a") == []
    assert await service.call_global_procedure_update("own_write", ("b",)) == 1
    assert await service.call_global_procedure("own_own_tx", "c") == [{"done": 1}]
    assert await count(service) == 3


async def test_it_joins_a_transaction(service: DatabaseService) -> None:
    with pytest.raises(KeyError):
        async with service.get_transaction() as tx:
            await tx.call_procedure("own_write", "a")
            raise KeyError
    assert await count(service) == 0


async def test_a_failure_after_the_first_set_is_raised_and_undone(service: DatabaseService) -> None:
    with pytest.raises(DuplicateEntityError) as caught:
        await service.call_global_procedure("own_fail_late", "a")
    assert caught.value.__cause__ is not None
    assert await count(service) == 0
    assert await service.call_global_procedure("own_two_sets", (1, "x")) != []


@pytest.mark.parametrize(
    "query",
    [
        "CALL own_fail_late('a')",
        "SELECT 1 AS one; INSERT INTO table_shard_stats (shard_id, user_count) VALUES (1, 0)",
        f"INSERT INTO {LOG} (procedure_name, param) VALUES ('a', '');"
        " INSERT INTO table_shard_stats (shard_id, user_count) VALUES (1, 0)",
    ],
)
async def test_a_failure_after_the_first_answer_of_a_query_is_not_missed(
    service: DatabaseService, query: str
) -> None:
    for run in (service.execute_query, service.execute_non_query):
        with pytest.raises(DuplicateEntityError):
            await run(query)
    with pytest.raises(DuplicateEntityError):
        async with service.get_transaction() as tx:
            await tx.execute_query(query)
    assert await count(service) == 0


async def test_a_query_gets_the_first_of_several_answers(service: DatabaseService) -> None:
    assert await service.execute_query("CALL own_two_sets(%s, %s)", (7, "x'%s")) == [{"result": "SUCCESS"}]
    assert await service.execute_query("SELECT 1 AS one; SELECT '%%' AS two") == [{"one": 1}]
    assert await service.execute_non_query("CALL own_write(%s)", "a") == 1
    assert await count(service) == 1


async def test_its_own_error_is_the_cause(service: DatabaseService) -> None:
    with pytest.raises(DatabaseError) as caught:
        await service.call_global_procedure("own_signal")
    assert "s3cret" not in str(caught.value)
    driver: Any = caught.value.__cause__
    assert driver.orig.args[0] == 1644


async def test_warnings_leave_the_connection_clean(
    service: DatabaseService, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL, "asyncmy"):
        for _ in range(3):
            assert await service.call_global_procedure("own_warning") == [{"n": 1}, {"n": 2}]
            assert await service.execute_query("SELECT 1 AS one") == [{"one": 1}]


async def test_unknown_names_and_wrong_numbers(service: DatabaseService) -> None:
    with pytest.raises(UnknownProcedureError, match="neither shardwise nor this database"):
        await service.call_global_procedure("own_missing")
    with pytest.raises(UnknownProcedureError):
        await service.call_shard_procedure(1, "own_write", "a")  # it is in the global database only
    with pytest.raises(DatabaseError, match="1318"):
        await service.call_global_procedure("own_two_sets", (1,))
    with pytest.raises(InvalidValueError, match="pass JSON as text"):
        await service.call_global_procedure("own_write", ({"a": 1},))


@pytest.mark.parametrize("in_a_query", [False, True])
async def test_a_lost_connection_is_an_unknown_outcome(service: DatabaseService, in_a_query: bool) -> None:
    call = service.execute_query("CALL own_sleep()") if in_a_query else None
    task = asyncio.create_task(call or service.call_global_procedure("own_sleep"))
    find = "SELECT id FROM information_schema.processlist WHERE state = 'User sleep'"
    while not (found := await service.execute_query(find)):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await service.execute_query("KILL %s", found[0].get("id", found[0].get("ID")))
    with pytest.raises(CommitOutcomeUnknownError):
        await task


async def test_a_cancelled_call_leaves_no_answer_behind(service: DatabaseService) -> None:
    task = asyncio.create_task(service.call_global_procedure("own_sleep"))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(3):
        assert await service.execute_query("SELECT 3 AS three") == [{"three": 3}]


async def test_a_deadlock_that_was_swallowed_commits_nothing(service: DatabaseService) -> None:
    await service.execute_query(
        "CREATE PROCEDURE own_lock (p_shard INT)"
        " UPDATE table_shard_stats SET active_users = active_users + 1 WHERE shard_id = p_shard"
    )
    ready, swallowed = asyncio.Barrier(2), []

    async def work(first: int, second: int) -> None:
        async with service.get_transaction() as tx:
            await tx.call_procedure("own_lock", first)
            await ready.wait()
            try:
                await tx.call_procedure("own_lock", second)
            except TransientDatabaseError:
                swallowed.append(first)
            await tx.call_procedure("own_write", "half")

    results = await asyncio.gather(work(1, 2), work(2, 1), return_exceptions=True)
    await service.execute_query("DROP PROCEDURE own_lock")
    assert len(swallowed) == 1
    assert [type(one) for one in results if one is not None] == [TransientDatabaseError]
    assert await count(service) == 1
