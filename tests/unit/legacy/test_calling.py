"""The executor of registered procedures, with procedures made for the purpose."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    DatabaseError,
    EntityNotFoundError,
    InvalidValueError,
    ProcedureScopeError,
    ReadOnlySessionError,
    ShardDisabledError,
    UnknownAccountError,
    UnknownShardError,
    WrongShardError,
)
from shardwise.finance.ledger.models import LedgerAccount
from shardwise.finance.tutorial.models import TutorialProgress
from shardwise.legacy import error_log
from shardwise.legacy import parameters as of
from shardwise.legacy.calling import call_registered
from shardwise.legacy.procedure import Call, OnError, Procedure, Rows, Scope
from shardwise.legacy.registry import find_procedure
from shardwise.schema.control import ErrorLog, GlobalErrorLog, ShardConfig, ShardStats, ShardStatus
from shardwise.testing.counting import count_statements
from shardwise.topology.registry import set_status

KEY = of.u64("account_db_key")


def made(
    run: Callable[..., Awaitable[Rows]],
    *signature: of.Parameter,
    scope: Scope = Scope.SHARD,
    name: str = "fp_made",
    **options: Any,
) -> Procedure:
    return Procedure(name=name, scope=scope, signatures=(signature,), results=((),), run=run, **options)


async def _complete(call: Call, *, account_db_key: int, tutorial_type: str = "CHAT") -> Rows:
    call.session.add(
        TutorialProgress(account_db_key=account_db_key, tutorial_type=tutorial_type, completed_step=1)
    )
    await call.session.flush()
    return [{"result": "SUCCESS", "at": datetime(2026, 1, 1, tzinfo=UTC), "ok": True, "n": Decimal("1.50")}]


async def _complete_and_fail(call: Call, **arguments: Any) -> Rows:
    await _complete(call, account_db_key=arguments["account_db_key"])
    raise EntityNotFoundError("Room", "r-1")


async def log_of(db: ShardedDatabase, shard_id: int | None) -> list[dict[str, Any]]:
    model = GlobalErrorLog if shard_id is None else ErrorLog
    scope = db.global_session() if shard_id is None else db.shard_session(shard_id)
    async with scope as session:
        rows = await session.scalars(select(model).order_by(model.idx))
        names = ("procedure_name", "error_state", "error_no", "error_message", "param")
        return [{name: getattr(row, name) for name in names} for row in rows]


async def steps(db: ShardedDatabase, shard_id: int = 1) -> int:
    async with db.shard_session(shard_id, read_only=True) as session:
        return len((await session.scalars(select(TutorialProgress))).all())


# What a caller gets


async def test_rows_are_plain_and_committed(db: ShardedDatabase) -> None:
    await db.place_account(2)
    shard_id = (await db.where(2)).shard_id
    rows = await call_registered(db, made(_complete, KEY), ("2",), shard_id=shard_id)
    moment = datetime(2026, 1, 1)  # noqa: DTZ001
    assert rows == [{"result": "SUCCESS", "at": moment, "ok": 1, "n": Decimal("1.50")}]
    assert await steps(db, shard_id) == 1
    assert await log_of(db, shard_id) == []


async def test_a_reading_procedure_can_not_write(db: ShardedDatabase) -> None:
    await db.place_account(2)
    shard_id = (await db.where(2)).shard_id
    with pytest.raises(ReadOnlySessionError):
        await call_registered(db, made(_complete, KEY, writes=False), (2,), shard_id=shard_id)
    assert await steps(db, shard_id) == 0


async def test_signatures_are_told_apart_by_their_length(db: ShardedDatabase) -> None:
    seen: list[dict[str, Any]] = []

    async def run(call: Call, **arguments: Any) -> Rows:
        seen.append(arguments)
        return []

    procedure = Procedure(
        name="fp_two",
        scope=Scope.GLOBAL,
        signatures=((), (of.i32("a"), of.text("b", 5))),
        results=(),
        run=run,
    )
    assert await call_registered(db, procedure, ()) == []
    assert await call_registered(db, procedure, (1, "x")) == []
    assert seen == [{}, {"a": 1, "b": "x"}]
    with pytest.raises(InvalidValueError, match=r"must be 0 or 2 \(a, b\); 1 were given"):
        await call_registered(db, procedure, (1,))


async def test_the_other_scope_is_refused(db: ShardedDatabase) -> None:
    with pytest.raises(ProcedureScopeError, match="use call_shard_procedure"):
        await call_registered(db, made(_complete, KEY), (2,))
    with pytest.raises(ProcedureScopeError, match="use call_global_procedure"):
        await call_registered(db, made(_complete, KEY, scope=Scope.GLOBAL), (2,), shard_id=1)


# Where a call may go


async def test_an_account_of_another_shard_is_refused(db: ShardedDatabase) -> None:
    await db.place_account(2)
    other = 3 - (await db.where(2)).shard_id
    for writes in (True, False):
        with pytest.raises(WrongShardError, match=f"called on shard {other} for account 2"):
            await call_registered(db, made(_complete, KEY, writes=writes), (2,), shard_id=other)
    assert await steps(db, other) == 0
    assert [row["param"] for row in await log_of(db, other)] == ["account_db_key=2"] * 2


async def test_an_unknown_account_finds_nothing_and_writes_nothing(db: ShardedDatabase) -> None:
    async def read(call: Call, *, account_db_key: int) -> Rows:
        found = await call.session.scalars(select(LedgerAccount.account_db_key))
        return [{"key": key} for key in found if key == account_db_key]

    assert await call_registered(db, made(read, KEY, writes=False), (77,), shard_id=1) == []
    with pytest.raises(UnknownAccountError):
        await call_registered(db, made(_complete, KEY), (77,), shard_id=1)
    assert await steps(db) == 0


async def test_a_session_is_pinned_to_the_account(db: ShardedDatabase) -> None:
    async def run(call: Call, *, account_db_key: int) -> Rows:
        return [{"pinned": getattr(call.session, "account_db_key", None), "shard": call.shard_id}]

    await db.place_account(2)
    shard_id = (await db.where(2)).shard_id
    rows = await call_registered(db, made(run, KEY), (2,), shard_id=shard_id)
    assert rows == [{"pinned": 2, "shard": shard_id}]


async def test_a_shard_that_can_not_serve_is_an_error(db: ShardedDatabase) -> None:
    with pytest.raises(UnknownShardError):
        await call_registered(db, made(_complete, KEY), (2,), shard_id=9)
    await set_status(db.global_manager, 2, ShardStatus.DISABLED)
    await db.topology.refresh()
    with pytest.raises(ShardDisabledError):
        await call_registered(db, made(_complete, KEY), (2,), shard_id=2)


async def test_a_placement_is_known_to_the_next_call(db: ShardedDatabase) -> None:
    signup, login = find_procedure("fp_user_signup"), find_procedure("fp_user_login")
    assert signup is not None
    assert login is not None
    values = ("hash", None, "Nick", None, None, None, None)
    [earlier] = await call_registered(db, signup, (1, "earlier", *values))
    key = earlier["account_db_key"] + 1  # the server goes on counting from test to test
    with pytest.raises(UnknownAccountError):
        await db.where(key)  # now the cache knows for a second that there is none
    [row] = await call_registered(db, signup, (1, "name", *values))
    assert row["account_db_key"] == key
    shard_id = (await db.where(key)).shard_id
    with count_statements(db) as seen:
        await call_registered(db, login, (1, "name"))
        await call_registered(db, made(_complete, KEY), (key,), shard_id=shard_id)
    assert [sql.split()[0] for sql in seen] == ["SELECT", "UPDATE", "INSERT"]
    assert await steps(db, shard_id) == 1


# What is left of a failure


async def test_a_failure_is_undone_logged_and_raised(db: ShardedDatabase) -> None:
    await db.place_account(2)
    shard_id = (await db.where(2)).shard_id
    with pytest.raises(EntityNotFoundError):
        await call_registered(db, made(_complete_and_fail, KEY), (2,), shard_id=shard_id)
    assert await steps(db, shard_id) == 0
    assert await log_of(db, shard_id) == [
        {
            "procedure_name": "fp_made",
            "error_state": "HY000",
            "error_no": "0",
            "error_message": "EntityNotFoundError: no Room has the primary key 'r-1'",
            "param": "account_db_key=2",
        }
    ]


async def test_a_failure_becomes_a_row_where_it_did(db: ShardedDatabase) -> None:
    await db.place_account(2)
    shard_id = (await db.where(2)).shard_id
    procedure = made(_complete_and_fail, KEY, on_error=OnError.ERROR_ROW, error_row={"new_status": False})
    assert await call_registered(db, procedure, (2,), shard_id=shard_id) == [
        {"ErrorCode": 1, "ErrorMessage": "no Room has the primary key 'r-1'", "new_status": 0}
    ]
    assert await steps(db, shard_id) == 0
    assert len(await log_of(db, shard_id)) == 1
    with pytest.raises(InvalidValueError):  # as of old: an argument of a wrong type is no failure of the body
        await call_registered(db, procedure, ("two",), shard_id=shard_id)


async def test_the_servers_codes_are_logged(db: ShardedDatabase, engine_kind: str) -> None:
    await db.place_account(2)
    shard_id = (await db.where(2)).shard_id
    await call_registered(db, made(_complete, KEY), (2,), shard_id=shard_id)
    with pytest.raises(DatabaseError):
        await call_registered(db, made(_complete, KEY), (2,), shard_id=shard_id)
    [row] = await log_of(db, shard_id)
    codes = {"mariadb": ("23000", "1062"), "sqlite": ("HY000", "1555")}
    assert (row["error_state"], row["error_no"]) == codes[engine_kind]


async def test_nulls_secrets_and_long_messages_fit_the_log(db: ShardedDatabase) -> None:
    async def run(call: Call, **arguments: Any) -> Rows:
        raise InvalidValueError("p_key", f"{arguments['key']} " + "x" * 5000)

    signature = (
        of.u64("account_db_key"), of.text("key", 100, secret=True), of.text("other", 100, secret=True),
        of.text("note", 10_000), of.json_document("data"), of.moment("at"),
    )  # fmt: skip
    procedure = made(run, *signature, scope=Scope.GLOBAL)
    given = (None, "s3cret", None, "\ud800" + "가" * 9000, {"a": [1, None]}, None)
    with pytest.raises(InvalidValueError, match="s3cret"):
        await call_registered(db, procedure, given)
    [row] = await log_of(db, None)
    assert len(row["error_message"]) == 2048
    assert row["error_message"].startswith("InvalidValueError: p_key: *** xxx")
    assert len(row["param"]) == 4000
    assert row["param"].startswith("account_db_key=NULL, key=***, other=NULL, note=?가")


async def test_a_value_that_can_not_be_shown_hides_nothing(db: ShardedDatabase) -> None:
    class Odd(str):
        def __str__(self) -> str:
            raise RuntimeError

    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    procedure = made(_fail, of.json_document("data"), scope=Scope.GLOBAL)
    for odd in (deep, 10**5000, Odd()):
        with pytest.raises((InvalidValueError, TypeError)) as caught:
            await call_registered(db, procedure, [odd])
        assert caught.type is (TypeError if odd is deep else InvalidValueError)
    assert [row["param"] for row in await log_of(db, None)] == ["data=list", "data=int", "data=Odd"]


async def test_a_bad_word_is_logged(db: ShardedDatabase) -> None:
    procedure = made(_complete, of.word("type", "USER", "AI"), scope=Scope.GLOBAL)
    with pytest.raises(InvalidValueError, match="USER, AI"):
        await call_registered(db, procedure, ("ROBOT",))
    with pytest.raises(InvalidValueError, match="2 were given"):
        await call_registered(db, procedure, ("USER", "s3cret"))
    for odd in (object(), {(1,): 2}, b"x", Decimal("1.50"), datetime(2026, 1, 1, tzinfo=UTC)):
        with pytest.raises(InvalidValueError):
            await call_registered(db, procedure, [odd])
    assert [row["param"] for row in await log_of(db, None)] == [
        "type=ROBOT", "2 values", "type=object", "type=dict", "type=b'x'", "type=1.50",
        "type=2026-01-01T00:00:00+00:00",
    ]  # fmt: skip


async def test_an_error_that_is_not_ours_is_logged_without_its_text(db: ShardedDatabase) -> None:
    async def run(call: Call) -> Rows:
        raise KeyError("s3cret")

    with pytest.raises(KeyError):
        await call_registered(db, made(run, scope=Scope.GLOBAL, on_error=OnError.ERROR_ROW), ())
    [row] = await log_of(db, None)
    assert row["error_message"] == "KeyError"


async def test_a_log_that_can_not_be_written_hides_nothing(
    db: ShardedDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    async with db.global_session() as session:
        await session.execute(text("ALTER TABLE table_errorlog RENAME TO elsewhere"))
    try:
        with (
            caplog.at_level(logging.ERROR, "shardwise.legacy.error_log"),
            pytest.raises(EntityNotFoundError),
        ):
            await call_registered(db, made(_fail, scope=Scope.GLOBAL), ())
    finally:
        async with db.global_session() as session:
            await session.execute(text("ALTER TABLE elsewhere RENAME TO table_errorlog"))
    assert "table_errorlog of the global database can't be written" in caplog.text
    assert "fp_made" in caplog.text


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_the_log_waits_for_the_writer_of_sqlite(
    db: ShardedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_log, "_DEADLINE", 0.1)
    async with db.global_session() as session:
        await session.connection()  # BEGIN IMMEDIATE
        refused = made(_fail, KEY, scope=Scope.GLOBAL)
        task = asyncio.create_task(call_registered(db, refused, ("x",)))
        await asyncio.sleep(0.5)
        assert not task.done()
    with pytest.raises(InvalidValueError):
        await task
    assert len(await log_of(db, None)) == 1


async def _fail(call: Call) -> Rows:
    raise EntityNotFoundError("Room", "r-1")


async def test_a_cancelled_call_is_no_error_and_leaves_nothing(db: ShardedDatabase) -> None:
    await db.place_account(2)
    shard_id = (await db.where(2)).shard_id
    begun = asyncio.Event()

    async def run(call: Call, *, account_db_key: int) -> Rows:
        await _complete(call, account_db_key=account_db_key)
        begun.set()
        await asyncio.sleep(60)
        return []

    task = asyncio.create_task(call_registered(db, made(run, KEY), (2,), shard_id=shard_id))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await steps(db, shard_id) == 0
    assert await log_of(db, shard_id) == []


async def test_a_changed_topology_is_followed(db: ShardedDatabase) -> None:
    async def add(call: Call) -> Rows:
        row = await call.session.get_one(ShardConfig, 2)
        row.status = ShardStatus.DISABLED
        assert await call.session.get(ShardStats, 2) is not None
        return [{"ErrorCode": 0}]

    await call_registered(db, made(add, scope=Scope.GLOBAL, name="fp_update_shard_status"), ())
    assert [shard.shard_id for shard in db.topology.active] == [1]
