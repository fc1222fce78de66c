import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import func, insert, select

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    DuplicateEntityError,
    EntityNotFoundError,
    InvalidValueError,
    ShardwiseError,
    UnknownAccountError,
)
from shardwise.finance.signals.alarms import create_alarm, delete_alarm, toggle_alarm
from shardwise.finance.signals.models import SignalAlarm
from shardwise.finance.signals.requests import NewAlarm
from shardwise.finance.signals.service import SignalService
from shardwise.finance.signals.values import Performance
from shardwise.testing.counting import count_statements

from .conftest import Record, SetAlarm

CRAFTED = [
    "x' OR '1'='1",
    'x" OR "1"="1',
    "x\\' OR 1=1 -- ",
    "x'; DROP TABLE table_signal_alarms; -- ",
    "%",
    "_%",
    "\\",
]
on_mariadb = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)


async def stored(db: ShardedDatabase, account: int) -> list[SignalAlarm]:
    async with db.session(account, read_only=True) as session:
        rows = select(SignalAlarm).where(SignalAlarm.account_db_key == account)
        return list(await session.scalars(rows.order_by(SignalAlarm.created_at)))


async def test_an_alarm_comes_back_as_it_was_set(
    db: ShardedDatabase, signals: SignalService, account: int
) -> None:
    new = NewAlarm(
        account_db_key=account,
        symbol="005930.KS",
        company_name="삼성전자 \U0001f680",
        current_price=Decimal("9999999999999.999999"),
        exchange="KRX",
        currency="KRW",
        note="two\nlines; -- ' \" \\ %s :a",
        alarm_id="my-alarm",
    )
    with count_statements(db) as statements:
        alarm = await signals.create_alarm(new)
    assert len(statements) == 1
    with count_statements(db) as statements:
        (standing,) = (await signals.list_alarms(account)).items
    assert len(statements) == 1
    assert standing.alarm == alarm
    assert {name: getattr(alarm, name) for name in NewAlarm.__dataclass_fields__} == {
        name: getattr(new, name) for name in NewAlarm.__dataclass_fields__
    }
    assert alarm.is_active
    none = Performance(evaluated_signals=0, won_signals=0, win_rate=Decimal(0), profit_rate=Decimal(0))
    assert standing.performance == none
    assert str(standing.performance.win_rate) == "0.00"


async def test_a_symbol_has_one_live_alarm_in_any_case(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm
) -> None:
    first, again = await set_alarm("AAPL"), "aApl"
    with count_statements(db) as statements, pytest.raises(DuplicateEntityError) as refused:
        await set_alarm(again)
    assert refused.value.constraint == "uk_live_symbol"
    assert len(statements) == 1
    await signals.toggle_alarm(account, first.alarm_id)
    with pytest.raises(DuplicateEntityError):
        await set_alarm(again)  # one that is off is live
    await signals.delete_alarm(account, first.alarm_id)
    second = await set_alarm(again)
    assert [item.alarm for item in (await signals.list_alarms(account)).items] == [second]
    assert len(await stored(db, account)) == 2


async def test_a_taken_id_is_told_from_a_taken_symbol(set_alarm: SetAlarm) -> None:
    await set_alarm("AAPL", alarm_id="a")
    with pytest.raises(DuplicateEntityError) as refused:
        await set_alarm("MSFT", alarm_id="A")
    assert refused.value.constraint != "uk_live_symbol"
    with pytest.raises(DuplicateEntityError) as refused:
        await set_alarm("AAPL", alarm_id="a")
    assert refused.value.constraint == "uk_live_symbol"


async def test_other_accounts_may_have_the_same_symbol(
    set_alarm: SetAlarm, signals: SignalService, neighbour: int
) -> None:
    await set_alarm("AAPL")
    await set_alarm("AAPL", account_db_key=neighbour)
    assert len((await signals.list_alarms(neighbour)).items) == 1


async def test_what_was_done_before_a_refused_alarm_stays_done(
    db: ShardedDatabase, account: int, set_alarm: SetAlarm
) -> None:
    await set_alarm("AAPL")
    async with db.session(account) as session:
        await create_alarm(session, NewAlarm(account_db_key=account, symbol="MSFT"))
        with pytest.raises(DuplicateEntityError):
            await create_alarm(session, NewAlarm(account_db_key=account, symbol="aapl"))
        await create_alarm(session, NewAlarm(account_db_key=account, symbol="NVDA"))
    assert [row.symbol for row in await stored(db, account)] == ["AAPL", "MSFT", "NVDA"]


async def test_toggling_returns_the_new_state(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm
) -> None:
    alarm = await set_alarm()
    before = (await stored(db, account))[0].updated_at
    with count_statements(db) as statements:
        assert await signals.toggle_alarm(account, alarm.alarm_id) is False
    assert len(statements) == 2
    (row,) = await stored(db, account)
    assert not row.is_active
    assert row.updated_at > before
    assert await signals.toggle_alarm(account, alarm.alarm_id.upper()) is True
    assert (await stored(db, account))[0].is_active


async def test_deleting_switches_off_and_is_final(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm
) -> None:
    alarm = await set_alarm()
    with count_statements(db) as statements:
        await signals.delete_alarm(account, alarm.alarm_id)
    assert len(statements) == 1
    (row,) = await stored(db, account)
    assert (row.is_deleted, row.is_active) == (True, False)
    for again in (signals.delete_alarm, signals.toggle_alarm):
        with pytest.raises(EntityNotFoundError):
            await again(account, alarm.alarm_id)
    assert not (await stored(db, account))[0].is_active


@pytest.mark.parametrize("pinned", [True, False])
async def test_an_alarm_of_somebody_else_can_not_be_touched(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm, pinned: bool
) -> None:
    alarm = await set_alarm()
    shard_id = (await db.where(account)).shard_id
    placed = {key: (await db.place_account(key)).shard_id for key in (5001, 5002, 5003)}
    stranger = next(key for key, home in placed.items() if home == shard_id)
    scope = db.session(stranger) if pinned else db.shard_session(shard_id)
    async with scope as session:
        for work in (toggle_alarm, delete_alarm):
            with pytest.raises(EntityNotFoundError):
                await work(session, stranger, alarm.alarm_id)
    assert (await signals.list_alarms(account)).items[0].alarm == alarm


async def test_alarms_come_newest_first_page_by_page(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    alarms = [await set_alarm(f"S{number}") for number in range(7)]
    signal = await record(alarms[5])
    await signals.evaluate(account, signal.signal_id, Decimal(102))
    found, after, sizes = [], None, []
    while True:
        with count_statements(db) as statements:
            page = await signals.list_alarms(account, after=after, limit=3)
        assert len(statements) == 1
        found += page.items
        sizes.append(len(page.items))
        after = page.next_cursor
        if after is None:
            break
    assert sizes == [3, 3, 1]
    assert [item.alarm for item in found] == alarms[::-1]
    assert [item.performance.won_signals for item in found] == [0, 1, 0, 0, 0, 0, 0]


async def test_a_full_last_page_has_no_next_one(
    signals: SignalService, account: int, set_alarm: SetAlarm
) -> None:
    for number in range(3):
        await set_alarm(f"S{number}")
    assert (await signals.list_alarms(account, limit=3)).next_cursor is None


async def test_nothing_is_asked_before_the_values_are_checked(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm
) -> None:
    with count_statements(db) as statements:
        with pytest.raises(InvalidValueError, match="symbol"):
            await set_alarm("A B")
        for limit in (0, -1, 1001, None, True, "5"):
            with pytest.raises(InvalidValueError, match="limit"):
                await signals.list_alarms(account, limit=limit)  # type: ignore[arg-type]
    assert statements == []


async def test_an_account_without_a_shard_is_refused(signals: SignalService, set_alarm: SetAlarm) -> None:
    with pytest.raises(UnknownAccountError):
        await set_alarm(account_db_key=999_999)
    with pytest.raises(UnknownAccountError):
        await signals.list_alarms(999_999)


async def test_crafted_words_are_words(signals: SignalService, account: int, set_alarm: SetAlarm) -> None:
    note = "\n".join(CRAFTED)
    alarm = await set_alarm("AAPL", note=note, alarm_id="real")
    for crafted in CRAFTED:
        for work in (signals.toggle_alarm, signals.delete_alarm):
            with pytest.raises(EntityNotFoundError):
                await work(account, crafted)
    (standing,) = (await signals.list_alarms(account)).items
    assert standing.alarm == alarm
    assert standing.alarm.note == note


@on_mariadb
async def test_of_many_that_set_one_alarm_at_once_one_succeeds(
    db: ShardedDatabase, account: int, set_alarm: SetAlarm
) -> None:
    outcomes = await asyncio.gather(
        *(set_alarm(symbol) for symbol in ["AAPL", "aapl"] * 16), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert {type(error) for error in refused} == {DuplicateEntityError}
    assert len(refused) == 31
    assert len(await stored(db, account)) == 1


@on_mariadb
async def test_many_toggles_at_once_end_as_one_after_another(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm
) -> None:
    times = 33
    alarm = await set_alarm()
    states = await asyncio.gather(*(signals.toggle_alarm(account, alarm.alarm_id) for _ in range(times)))
    assert states.count(True) == times // 2
    assert (await stored(db, account))[0].is_active is False


@on_mariadb
async def test_setting_and_deleting_at_once_leaves_one_live_alarm_at_most(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm
) -> None:
    async def set_and_delete() -> int:
        try:
            alarm = await set_alarm()
        except DuplicateEntityError:
            return 0
        await signals.delete_alarm(account, alarm.alarm_id)
        return 1

    done = await asyncio.gather(*(set_and_delete() for _ in range(32)), return_exceptions=True)
    assert [outcome for outcome in done if isinstance(outcome, ShardwiseError)] == []
    rows = await stored(db, account)
    assert len(rows) == sum(done) >= 1  # type: ignore[arg-type]
    assert all(row.is_deleted for row in rows)


async def test_the_database_itself_holds_one_live_alarm(
    db: ShardedDatabase, account: int, set_alarm: SetAlarm
) -> None:
    await set_alarm("AAPL")
    with pytest.raises(ShardwiseError):
        async with db.session(account) as session:
            row = {"account_db_key": account, "alarm_id": "other", "symbol": "aapl"}
            await session.execute(insert(SignalAlarm), row)
    async with db.session(account, read_only=True) as session:
        assert await session.scalar(select(func.count()).select_from(SignalAlarm)) == 1
