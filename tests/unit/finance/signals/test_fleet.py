from decimal import Decimal

import pytest
from sqlalchemy import update

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError, UnknownShardError
from shardwise.finance.signals.alarm_repository import AlarmRepository
from shardwise.finance.signals.fleet import ask_active_shards
from shardwise.finance.signals.fleet_service import SignalFleet, WatchedSymbol, watched
from shardwise.finance.signals.service import SignalService
from shardwise.schema.control import ShardConfig, ShardStatus
from shardwise.testing.counting import count_statements

from .conftest import NOON, Record, SetAlarm
from .test_alarms import CRAFTED


@pytest.fixture
async def watching(
    signals: SignalService, account: int, neighbour: int, set_alarm: SetAlarm
) -> tuple[int, int]:
    """Two accounts on two shards with alarms of every state."""
    await set_alarm("AAPL", exchange="NASDAQ")
    await set_alarm("MSFT")
    off, gone = await set_alarm("OFF"), await set_alarm("GONE")
    await signals.toggle_alarm(account, off.alarm_id)
    await signals.delete_alarm(account, gone.alarm_id)
    await set_alarm("aapl", exchange="nasdaq", account_db_key=neighbour)
    await set_alarm("MSFT", exchange="NASDAQ", account_db_key=neighbour)
    return account, neighbour


async def break_shard(db: ShardedDatabase, shard_id: int) -> None:
    """Point a shard's row to a database that isn't there."""
    async with db.global_session() as session:
        missing = (
            update(ShardConfig).where(ShardConfig.shard_id == shard_id).values(database_name="/nowhere/x")
        )
        await session.execute(missing)
    await db.topology.refresh()


async def test_symbols_of_all_shards(
    db: ShardedDatabase, fleet: SignalFleet, watching: tuple[int, int]
) -> None:
    with count_statements(db) as statements:
        answer = await fleet.symbols()
    assert len(statements) == 2
    assert answer.complete
    home = (await db.where(watching[0])).shard_id
    assert answer.by_shard[home] == [
        WatchedSymbol(symbol="AAPL", exchange="NASDAQ"),
        WatchedSymbol(symbol="MSFT"),
    ]
    assert [(item.symbol.upper(), item.exchange.upper()) for item in watched(answer)] == [
        ("AAPL", "NASDAQ"),
        ("MSFT", ""),
        ("MSFT", "NASDAQ"),
    ]
    assert await fleet.symbols_of_shard(home) == answer.by_shard[home]


async def test_alarms_for_a_symbol_on_all_shards(
    db: ShardedDatabase, fleet: SignalFleet, watching: tuple[int, int]
) -> None:
    account, neighbour = watching
    with count_statements(db) as statements:
        answer = await fleet.alarms("Aapl")
    assert len(statements) == 2
    found = {shard: [alarm.account_db_key for alarm in alarms] for shard, alarms in answer.by_shard.items()}
    assert found == {(await db.where(key)).shard_id: [key] for key in (account, neighbour)}
    assert len(found) == 2
    assert [len(alarms) for alarms in (await fleet.alarms("OFF")).by_shard.values()] == [0, 0]
    assert [len(alarms) for alarms in (await fleet.alarms("GONE")).by_shard.values()] == [0, 0]


async def test_crafted_symbols_find_nobodys_alarms(db: ShardedDatabase, watching: tuple[int, int]) -> None:
    async def find(shard_id: int) -> list[int]:
        async with db.shard_session(shard_id, read_only=True) as session:
            alarms = AlarmRepository(session)
            return [len(await alarms.active(symbol=symbol)) for symbol in [*CRAFTED, "AAPL"]]

    expected = [0] * len(CRAFTED) + [1]
    assert (await ask_active_shards(db, find)).by_shard == {1: expected, 2: expected}


async def test_what_can_be_no_symbol_is_refused(fleet: SignalFleet) -> None:
    for work in (fleet.alarms("A B"), fleet.alarms(""), fleet.alarms_of_shard(1, "x" * 51)):
        with pytest.raises(InvalidValueError, match="symbol"):
            await work


async def test_a_shard_that_is_down_is_named(
    db: ShardedDatabase, fleet: SignalFleet, watching: tuple[int, int], record: Record
) -> None:
    await break_shard(db, 2)
    symbols, alarms = await fleet.symbols(), await fleet.alarms("AAPL")
    judged = await fleet.evaluate_due(NOON.date(), {"AAPL": Decimal(1)})
    for answer in (symbols, alarms, judged):
        assert not answer.complete
        assert list(answer.by_shard) == [1]
        assert list(answer.failed) == [2]
    assert len(watched(symbols)) == 2


async def test_a_shard_whose_row_can_not_be_used_is_named(
    db: ShardedDatabase, fleet: SignalFleet, watching: tuple[int, int]
) -> None:
    async with db.global_session() as session:
        row = update(ShardConfig).where(ShardConfig.shard_id == 2)
        await session.execute(row.values(driver="nothing+known"))
    await db.topology.refresh()
    assert list(db.topology.snapshot.broken) == [2]
    answer = await fleet.symbols()
    assert (list(answer.by_shard), list(answer.failed)) == ([1], [2])


async def test_a_shard_that_takes_no_work_is_not_asked(
    db: ShardedDatabase, fleet: SignalFleet, watching: tuple[int, int]
) -> None:
    async with db.global_session() as session:
        off = update(ShardConfig).where(ShardConfig.shard_id == 2).values(status=ShardStatus.DISABLED)
        await session.execute(off)
    await db.topology.refresh()
    answer = await fleet.symbols()
    assert (list(answer.by_shard), dict(answer.failed)) == ([1], {})


async def test_an_unknown_shard_is_refused(fleet: SignalFleet) -> None:
    with pytest.raises(UnknownShardError):
        await fleet.symbols_of_shard(9)
    with pytest.raises(UnknownShardError):
        await fleet.evaluate_shard(9, NOON.date(), {})


async def test_a_mistake_of_the_caller_is_no_failure_of_a_shard(db: ShardedDatabase) -> None:
    async def wrong(shard_id: int) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ask_active_shards(db, wrong)
