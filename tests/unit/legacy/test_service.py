"""The old service: where its calls go, what they give back."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.util import await_only

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    CommitOutcomeUnknownError,
    ConfigurationError,
    DatabaseConnectionError,
    DatabaseError,
    DuplicateEntityError,
    InvalidValueError,
    MissingTableError,
    ProcedureScopeError,
    ReadOnlySessionError,
    ShardDisabledError,
    ShardMaintenanceError,
    ShardwiseError,
    UnknownProcedureError,
    UnknownShardError,
)
from shardwise.legacy import raw
from shardwise.legacy.service import DatabaseService
from shardwise.legacy.sql import Statement
from shardwise.schema.control import ShardStatus
from shardwise.testing.counting import count_statements
from shardwise.testing.templates import Template
from shardwise.topology.registry import set_status

LOG = "table_errorlog"
ADD = f"INSERT INTO {LOG} (procedure_name, param, create_time) VALUES (%s, %s, %s)"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAMES = f"SELECT procedure_name AS name FROM {LOG} ORDER BY idx"


def client(shard_id: Any) -> SimpleNamespace:
    return SimpleNamespace(session=SimpleNamespace(shard_id=shard_id))


async def mark(service: DatabaseService) -> None:
    """Write the database's own name into a table that each of them has."""
    await service.execute_non_query(ADD, ("global", "", NOW))
    for shard_id in (1, 2):
        await service.execute_non_query(ADD, (f"shard {shard_id}", "", NOW), shard_id=shard_id)


# Opening and closing


async def test_it_closes_only_what_it_has_opened(template: Template, tmp_path: Any) -> None:
    async with template.open(tmp_path, real_commits=True) as db:
        service = DatabaseService(db)
        await service.init_service()
        await service.close_service()
        assert db.is_open
        own = DatabaseService(db.settings)
        with pytest.raises(ConfigurationError, match="init_service"):
            await own.execute_query("SELECT 1")
        with pytest.raises(ConfigurationError, match="init_service"):
            own.get_transaction()
        with pytest.raises(ConfigurationError, match="init_service"):
            own.get_client_by_session(client(1))
        with pytest.raises(ConfigurationError, match="init_service"):
            await own.get_active_shard_ids()
        await own.init_service()
        await own.init_service()
        assert await own.execute_query("SELECT 1 AS one") == [{"one": 1}]
        await own.close_service()
        await own.close_service()
        assert not own.db.is_open
        await own.init_service()
        assert await own.get_active_shard_ids() == [1, 2]
        await own.close_service()
        lent = DatabaseService(ShardedDatabase(db.settings))
        await lent.init_service()
        await lent.close_service()
        assert not lent.db.is_open


# Where calls go


@pytest.mark.parametrize(
    ("client_session", "name"),
    [
        (None, "global"),
        (SimpleNamespace(), "global"),
        (SimpleNamespace(session=None), "global"),
        (client(None), "global"),
        (client(0), "global"),
        (client(1), "shard 1"),
        (client(2), "shard 2"),
        (client("2"), "shard 2"),
    ],
)
async def test_a_session_leads_to_its_database(
    service: DatabaseService, client_session: Any, name: str
) -> None:
    await mark(service)
    assert await service.execute_query_by_session(client_session, NAMES) == [{"name": name}]
    found = service.get_client_by_session(client_session)
    assert await found.execute_query(NAMES) == [{"name": name}]
    scope = "shards" if name == "global" else "global database"
    wrong = "sp_get_shard_user_stats" if name == "global" else "fp_get_active_shard_ids"
    with pytest.raises(ProcedureScopeError, match=f"it belongs to the {scope}"):
        await service.call_procedure_by_session(client_session, wrong)


async def test_each_method_leads_to_its_database(service: DatabaseService) -> None:
    await mark(service)
    calls: dict[str, Awaitable[list[dict[str, Any]]]] = {
        "global": service.execute_global_query(NAMES),
        "shard 1": service.execute_shard_query(1, NAMES),
        "shard 2": service.call_shard_read_query(2, NAMES),
    }
    for name, call in calls.items():
        assert await call == [{"name": name}]
    assert await service.execute_query(NAMES) == [{"name": "global"}]
    assert await service.get_global_client().execute_query(NAMES) == [{"name": "global"}]
    assert await service.global_client.execute_query(NAMES) == [{"name": "global"}]
    assert [await one.execute_query(NAMES) for one in service.shard_clients.values()] == [
        [{"name": "shard 1"}],
        [{"name": "shard 2"}],
    ]


async def test_a_shard_that_can_not_serve_is_an_error_everywhere(service: DatabaseService) -> None:
    await mark(service)
    for shard_id, status in ((1, ShardStatus.MAINTENANCE), (2, ShardStatus.DISABLED)):
        await set_status(service.db.global_manager, shard_id, status)
    await service.db.topology.refresh()
    expected = {1: ShardMaintenanceError, 2: ShardDisabledError, 9: UnknownShardError, -1: UnknownShardError}
    for shard_id, error in expected.items():
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda n=shard_id: service.execute_shard_query(n, NAMES),
            lambda n=shard_id: service.call_shard_read_query(n, NAMES),
            lambda n=shard_id: service.execute_non_query(ADD, ("x", "", NOW), shard_id=n),
            lambda n=shard_id: service.call_shard_procedure(n, "sp_get_shard_user_stats"),
            lambda n=shard_id: service.call_shard_procedure_update(n, "sp_get_shard_user_stats"),
            lambda n=shard_id: service.call_shard_procedure(n, "own_procedure"),
            lambda n=shard_id: service.execute_query_by_session(client(n), NAMES),
            lambda n=shard_id: service.call_procedure_by_session(client(n), "sp_get_shard_user_stats"),
            lambda n=shard_id: service.get_transaction(n).__aenter__(),
        ]
        for call in calls:
            with pytest.raises(error):
                await call()
        with pytest.raises(error):
            service.get_client_by_session(client(shard_id))
        assert service.get_shard_client(shard_id) is None
    with pytest.raises(UnknownShardError):
        await service.execute_shard_query(None, NAMES)  # type: ignore[arg-type]  # what a bug would pass
    assert await service.get_active_shard_ids() == []
    assert await service.execute_query(NAMES) == [{"name": "global"}]


async def test_harmless_methods_of_the_old_client(service: DatabaseService) -> None:
    shard = service.get_shard_client(1)
    assert shard is not None
    await shard.init_pool()
    await shard.close_pool()
    assert await shard.execute_query("SELECT 1 AS one") == [{"one": 1}]


async def test_a_shard_added_by_hand_is_followed(service: DatabaseService) -> None:
    await service.execute_query("UPDATE table_shard_config SET status = %s WHERE shard_id = 2", "disabled")
    assert await service.get_active_shard_ids() == [1]


async def test_an_account_placed_by_hand_is_followed(service: DatabaseService) -> None:
    with pytest.raises(ShardwiseError):
        await service.db.where(7)
    add = "INSERT INTO table_user_shard_mapping (account_db_key, shard_id) VALUES (%s, %s)"
    await service.get_global_client().execute_query(add, (7, 2))
    assert (await service.db.where(7)).shard_id == 2


# Statements


async def test_rows_are_dicts(service: DatabaseService, engine_kind: str) -> None:
    assert await service.execute_query(ADD, ("a", None, NOW)) == []
    sql = f"SELECT procedure_name, param, create_time, 'x%%' AS pattern FROM {LOG} WHERE procedure_name IN %s"
    [row] = await service.execute_query(sql, (["a", "b"],))
    moment: Any = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001
    if engine_kind == "sqlite":
        moment = "2026-01-02 03:04:05.000000"
    assert row == {"procedure_name": "a", "param": None, "create_time": moment, "pattern": "x%"}
    assert await service.execute_query(f"SELECT param FROM {LOG} WHERE procedure_name = %s", "b") == []


async def test_what_is_written_raw_is_what_the_models_read(service: DatabaseService) -> None:
    key = (1 << 64) - 2
    add = (
        "INSERT INTO table_user_accounts (account_db_key, account_number, balance, created_at, updated_at)"
        " VALUES (%s, %s, %s, %s, %s)"
    )
    assert await service.execute_non_query(add, (key, "1-1", Decimal("10.50"), NOW, NOW), shard_id=1) == 1
    read = "SELECT account_number FROM table_user_accounts WHERE account_db_key = %s AND balance > %s"
    assert await service.execute_shard_query(1, read, (key, Decimal("9.5"))) == [{"account_number": "1-1"}]
    assert await service.execute_shard_query(1, f"{read} AND created_at > %s", (key, 1, NOW)) == []


async def test_columns_of_one_name_are_all_there(service: DatabaseService, engine_kind: str) -> None:
    await mark(service)
    sql = f"SELECT a.param, b.procedure_name AS param, 1 AS param FROM {LOG} a JOIN {LOG} b ON a.idx = b.idx"
    [row] = await service.execute_query(sql)
    names = {"sqlite": ["param", "param_2", "param_3"], "mariadb": ["param", "b.param", "param_2"]}
    assert row == dict(zip(names[engine_kind], ["", "global", 1], strict=True))


async def test_written_rows_are_counted(service: DatabaseService) -> None:
    await service.execute_non_query(ADD, ("a", "", NOW))
    await service.execute_non_query(ADD, ("b", "", NOW))
    change = f"UPDATE {LOG} SET param = %s"
    assert await service.execute_non_query(change, "x") == 2
    assert await service.execute_non_query(change, "x") == 2  # found as they should be
    assert await service.execute_non_query(f"DELETE FROM {LOG} WHERE procedure_name = %s", "c") == 0


async def test_errors_are_ours_with_the_drivers_as_cause(service: DatabaseService) -> None:
    with pytest.raises(MissingTableError) as caught:
        await service.execute_query("SELECT * FROM missing WHERE a = %s", "s3cret")
    assert caught.value.__cause__ is not None
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__}"
    add = "INSERT INTO table_shard_stats (shard_id, user_count) VALUES (%s, 0)"
    with pytest.raises(DuplicateEntityError):
        await service.execute_non_query(add, 1)
    with pytest.raises(InvalidValueError, match="1 %s and 2 values"):
        await service.execute_query("SELECT %s", (1, 2))
    with pytest.raises(DatabaseError, match=r"^the database refused a statement \("):
        await service.execute_query("SELEC 1")


@pytest.mark.parametrize(
    "query",
    [
        f"DELETE FROM {LOG}",
        f"SELECT 1; DELETE FROM {LOG}",
        f"WITH a AS (SELECT 1) DELETE FROM {LOG}",
        f"/*!40000 DELETE FROM {LOG} */",
        "CALL anything()",
    ],
)
async def test_a_read_query_can_not_write(service: DatabaseService, query: str) -> None:
    await mark(service)
    with pytest.raises(ReadOnlySessionError):
        await service.call_shard_read_query(1, query)
    assert len(await service.execute_shard_query(1, NAMES)) == 1


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_what_a_function_writes_in_a_read_query_is_undone(service: DatabaseService) -> None:
    await service.execute_shard_query(1, "DROP FUNCTION IF EXISTS own_writer")
    await service.execute_shard_query(
        1,
        f"CREATE FUNCTION own_writer() RETURNS INT BEGIN"
        f" INSERT INTO {LOG} (param) VALUES ('x'); RETURN 1; END",
    )
    assert await service.call_shard_read_query(1, "SELECT own_writer() AS one") == [{"one": 1}]
    assert await service.execute_shard_query(1, NAMES) == []
    assert await service.execute_shard_query(1, "SELECT own_writer() AS one") == [{"one": 1}]
    assert len(await service.execute_shard_query(1, NAMES)) == 1
    await service.execute_shard_query(1, "DROP FUNCTION own_writer")


# Lost connections


@pytest.mark.parametrize(
    ("query", "runs", "error"),
    [
        ("SELECT 1", 3, DatabaseConnectionError),
        (f"DELETE FROM {LOG}", 1, DatabaseConnectionError),
        ("CREATE TABLE own (a INT)", 1, CommitOutcomeUnknownError),
    ],
)
@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_only_reads_run_again_after_a_lost_connection(
    service: DatabaseService, monkeypatch: pytest.MonkeyPatch, query: str, runs: int, error: type[Exception]
) -> None:
    execute, ran = raw._execute, []

    async def kill(connection_id: int) -> None:
        async with service.db.global_manager.engine.connect() as other:
            await other.exec_driver_sql(f"KILL {connection_id}")

    def lose(connection: Connection, statement: Statement) -> Any:
        ran.append(statement.text)
        await_only(kill(connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()))
        return execute(connection, statement)

    monkeypatch.setattr(raw, "_execute", lose)
    with pytest.raises(error):
        await service.execute_query(query)
    assert len(ran) == runs


# Ids


async def test_each_task_knows_its_own_last_id(service: DatabaseService) -> None:
    assert await service.get_last_insert_id() == 0
    ready = asyncio.Barrier(32)

    async def insert(number: int) -> None:
        await service.execute_non_query(ADD, (f"task {number}", "", NOW))
        await ready.wait()
        mine = await service.get_last_insert_id()
        await service.execute_query(NAMES)
        await service.execute_non_query(f"UPDATE {LOG} SET param = 'x' WHERE idx = %s", mine)
        assert await service.get_last_insert_id() == mine
        [row] = await service.execute_query(f"SELECT procedure_name FROM {LOG} WHERE idx = %s", mine)
        assert row == {"procedure_name": f"task {number}"}

    await asyncio.gather(*map(insert, range(32)))
    assert await service.get_last_insert_id() == 0


async def test_an_insert_of_nothing_makes_no_id(service: DatabaseService) -> None:
    await service.execute_non_query(ADD, ("a", "", NOW))
    await service.execute_non_query(f"INSERT INTO {LOG} (param) SELECT '' FROM {LOG} WHERE 1 = 0")
    assert await service.get_last_insert_id() == 0
    async with service.get_transaction() as tx:
        await tx.execute_query(f"INSERT INTO {LOG} (param) SELECT '' FROM {LOG} WHERE 1 = 0")
        assert await tx.get_last_insert_id() == 0


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_no_query_moves_a_connection_to_another_database(service: DatabaseService) -> None:
    before = await service.execute_query("SELECT DATABASE() AS name")
    for query in ("USE information_schema", " /* x */ use information_schema;"):
        with pytest.raises(InvalidValueError, match=r"database\.table"):
            await service.execute_query(query)
    assert await service.execute_query("SELECT DATABASE() AS name") == before


# Procedures


async def test_procedures_are_found_in_any_case(service: DatabaseService) -> None:
    rows = await service.call_global_procedure("FP_Get_Active_Shard_Ids")
    assert rows[0] == {"ErrorCode": 0, "ErrorMessage": "SUCCESS"}
    assert [row["shard_id"] for row in rows[1:]] == [1, 2]
    assert await service.call_stored_procedure("fp_get_active_shard_ids", ()) == rows


async def test_a_status_change_is_followed(service: DatabaseService) -> None:
    assert await service.call_global_procedure_update("fp_update_shard_status", (2, "maintenance")) == 1
    assert await service.get_active_shard_ids() == [1]
    assert await service.call_global_procedure_update("fp_update_shard_status", (99, "active")) == 0


async def test_an_update_of_a_shard_says_how_much_it_changed(service: DatabaseService) -> None:
    await service.db.place_account(2)
    shard_id = (await service.db.where(2)).shard_id
    call = service.call_shard_procedure_update
    assert await call(shard_id, "fp_tutorial_complete_step", (2, "CHAT", 1)) == 1
    assert await call(shard_id, "fp_universal_outbox_cleanup_published", 7) == 0


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_sqlite_has_no_other_procedures(service: DatabaseService) -> None:
    with pytest.raises(UnknownProcedureError, match="SQLite has no stored procedures"):
        await service.call_global_procedure("own_procedure", (1,))


@pytest.mark.parametrize("name", [None, 5, "a b", "a;b", "a`b", "a.b.c", "", ".a", "a.", "a--", "x" * 65])
async def test_a_name_must_be_one(service: DatabaseService, name: Any) -> None:
    with pytest.raises(InvalidValueError, match="procedure_name"):
        await service.call_global_procedure(name)
    async with service.get_transaction() as tx:
        with pytest.raises(InvalidValueError, match="procedure_name"):
            await tx.call_procedure(name)


async def test_a_function_is_not_called(service: DatabaseService) -> None:
    with pytest.raises(UnknownProcedureError, match="use SELECT"):
        await service.call_global_procedure("fn_other")


async def test_a_registered_call_costs_its_statements_only(service: DatabaseService) -> None:
    await service.db.place_account(2)
    shard_id = (await service.db.where(2)).shard_id
    with count_statements(service.db) as seen:
        await service.call_shard_procedure(shard_id, "fp_tutorial_get_progress", (2,))
    assert len(seen) == 1


async def test_it_works_where_tests_are_rolled_back(template: Template, tmp_path: Any) -> None:
    async with template.open(tmp_path) as db:
        service = DatabaseService(db)
        with pytest.raises(InvalidValueError):
            await service.call_global_procedure("fp_user_logout", "x")
        async with service.get_transaction() as tx:
            await tx.execute_query(ADD, ("a", "", NOW))
            with pytest.raises(InvalidValueError):
                await tx.call_procedure("fp_user_logout", "y")
        rows = await service.execute_query(f"SELECT procedure_name, param FROM {LOG} ORDER BY idx")
        assert [row["param"] for row in rows] == ["account_db_key=x", "", "account_db_key=y"]
        assert await service.call_shard_read_query(1, "SELECT 1 AS one") == [{"one": 1}]
