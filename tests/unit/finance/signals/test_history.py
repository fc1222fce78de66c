import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from shardwise.database import ShardedDatabase
from shardwise.errors import DuplicateEntityError, EntityNotFoundError, InvalidValueError
from shardwise.finance.signals.models import Signal
from shardwise.finance.signals.recording import record_signal
from shardwise.finance.signals.requests import NewSignal, SignalFilter
from shardwise.finance.signals.service import SignalService
from shardwise.finance.signals.types import SignalType
from shardwise.finance.signals.values import Performance, SignalStatistics
from shardwise.testing.counting import count_statements

from .conftest import NOON, Record, SetAlarm
from .test_alarms import CRAFTED, on_mariadb


async def test_a_signal_comes_back_as_it_was_recorded(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    alarm = await set_alarm()
    for word in SignalType:
        with count_statements(db) as statements:
            signal = await record(alarm, word, "9999999999999.999999", volume=2**63 - 1, signal_id=word)
        assert len(statements) == 2
        with count_statements(db) as statements:
            page = await signals.history(account, SignalFilter(signal_type=word))
        assert len(statements) == 1
        assert (page.items, page.next_cursor) == ([signal], None)
        assert (signal.symbol, signal.alarm_id, signal.signal_type) == ("AAPL", alarm.alarm_id, word)
        assert (signal.triggered_at, signal.volume) == (NOON, 2**63 - 1)
        assert (signal.is_win, signal.evaluated_at, signal.profit_rate) == (None, None, None)


async def test_a_signal_needs_a_live_alarm_of_its_account(
    signals: SignalService, account: int, neighbour: int, set_alarm: SetAlarm, record: Record
) -> None:
    alarm = await set_alarm()
    for wrong in ({"account_db_key": neighbour}, {"alarm_id": "unknown"}):
        with pytest.raises(EntityNotFoundError):
            await record(alarm, **wrong)
    await signals.toggle_alarm(account, alarm.alarm_id)
    await record(alarm)  # one that is off is live
    await signals.delete_alarm(account, alarm.alarm_id)
    with pytest.raises(EntityNotFoundError):
        await record(alarm)
    assert len((await signals.history(account)).items) == 1


async def test_a_signal_id_is_taken_once(set_alarm: SetAlarm, record: Record, neighbour: int) -> None:
    alarm = await set_alarm()
    await record(alarm, signal_id="s")
    with pytest.raises(DuplicateEntityError):
        await record(alarm, signal_id="S")


async def test_pages_are_newest_first_and_whole(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    alarm = await set_alarm()
    made = [
        await record(alarm, triggered_at=NOON + timedelta(minutes=number // 2), signal_id=f"s{number}")
        for number in range(9)
    ]
    found, after = [], None
    while True:
        page = await signals.history(account, after=after, limit=4)
        found += page.items
        if (after := page.next_cursor) is None:
            break
    assert found == made[::-1]


async def test_filters_join(
    signals: SignalService, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    apple, msft = await set_alarm("AAPL"), await set_alarm("MSFT")
    for alarm in (apple, msft):
        for word in SignalType:
            await record(alarm, word)

    async def found(**wanted: str) -> set[tuple[str, str]]:
        rows = (await signals.history(account, SignalFilter(**wanted))).items
        return {(row.symbol, row.signal_type) for row in rows}

    assert len(await found()) == 8
    assert {symbol for symbol, _ in await found(symbol="aapl")} == {"AAPL"}
    assert await found(signal_type="SELL") == {("AAPL", "SELL"), ("MSFT", "SELL")}
    assert await found(alarm_id=msft.alarm_id, signal_type="STRONG_SELL") == {("MSFT", "STRONG_SELL")}
    assert await found(alarm_id=msft.alarm_id, symbol="AAPL") == set()
    with pytest.raises(InvalidValueError):
        await found(signal_type="HOLD")


async def test_crafted_filters_find_nothing(
    signals: SignalService, account: int, neighbour: int, set_alarm: SetAlarm, record: Record
) -> None:
    await record(await set_alarm())
    await record(await set_alarm(account_db_key=neighbour))
    for crafted in CRAFTED:
        for wanted in (SignalFilter(symbol=crafted), SignalFilter(alarm_id=crafted)):
            assert (await signals.history(account, wanted)).items == []


async def test_nothing_is_asked_before_the_values_are_checked(
    db: ShardedDatabase, signals: SignalService, account: int
) -> None:
    new = NewSignal(account_db_key=account, alarm_id="a", signal_type="HOLD", signal_price=None)
    with count_statements(db) as statements, pytest.raises(InvalidValueError, match="signal_type"):
        await signals.record(new)
    assert statements == []


# Statistics


async def test_an_account_without_signals_has_zeros(
    db: ShardedDatabase, signals: SignalService, account: int
) -> None:
    with count_statements(db) as statements:
        found = await signals.statistics(account)
    assert len(statements) == 1
    assert found == SignalStatistics(
        total_alarms=0,
        active_alarms=0,
        total_signals=0,
        buy_signals=0,
        sell_signals=0,
        performance=Performance(
            evaluated_signals=0, won_signals=0, win_rate=Decimal(0), profit_rate=Decimal(0)
        ),
    )


async def test_rates_are_over_evaluated_signals_alone(
    signals: SignalService, account: int, neighbour: int, set_alarm: SetAlarm, record: Record
) -> None:
    apple, msft, gone = [await set_alarm(symbol) for symbol in ("AAPL", "MSFT", "GONE")]
    await signals.toggle_alarm(account, msft.alarm_id)
    judged = [
        (await record(apple, "BUY"), "103"),  # won 3 %
        (await record(apple, "STRONG_SELL"), "100.5"),  # lost 0.5 %
        (await record(gone, "STRONG_BUY"), "101"),  # won 1 %
    ]
    for signal, price in judged:
        await signals.evaluate(account, signal.signal_id, Decimal(price))
    await record(apple, "SELL")
    await record(msft, "BUY")
    await signals.delete_alarm(account, gone.alarm_id)
    other = await record(await set_alarm(account_db_key=neighbour))
    await signals.evaluate(neighbour, other.signal_id, Decimal(200))

    assert await signals.statistics(account) == SignalStatistics(
        total_alarms=2,
        active_alarms=1,
        total_signals=5,
        buy_signals=3,
        sell_signals=2,
        performance=Performance(
            evaluated_signals=3, won_signals=2, win_rate=Decimal("66.67"), profit_rate=Decimal("1.17")
        ),
    )
    by_symbol = {item.alarm.symbol: item.performance for item in (await signals.list_alarms(account)).items}
    assert by_symbol["AAPL"] == Performance(
        evaluated_signals=2, won_signals=1, win_rate=Decimal("50.00"), profit_rate=Decimal("1.25")
    )
    assert by_symbol["MSFT"].evaluated_signals == 0


async def test_the_mean_is_rounded_once(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    """Of 0.014999 and 0.015000 the mean is 0.0149995: 0.01, where rounding to 0.015 first gives 0.02."""
    alarm = await set_alarm()
    for rate in ("0.014999", "0.015000"):
        signal = await record(alarm)
        async with db.session(account) as session:
            this = update(Signal).where(
                Signal.account_db_key == account, Signal.signal_id == signal.signal_id
            )
            await session.execute(this.values(is_win=False, profit_rate=Decimal(rate), evaluated_at=NOON))
    assert (await signals.statistics(account)).performance.profit_rate == Decimal("0.01")


async def test_deleted_signals_do_not_count(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    signal = await record(await set_alarm())
    await signals.evaluate(account, signal.signal_id, Decimal(200))
    async with db.session(account) as session:
        await session.execute(update(Signal).where(Signal.account_db_key == account).values(is_deleted=True))
    assert (await signals.statistics(account)).total_signals == 0
    assert (await signals.list_alarms(account)).items[0].performance.evaluated_signals == 0
    assert (await signals.history(account)).items == []


@on_mariadb
async def test_an_alarm_is_not_deleted_while_a_signal_of_it_is_recorded(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm
) -> None:
    alarm = await set_alarm()
    new = NewSignal(account_db_key=account, alarm_id=alarm.alarm_id, signal_type="BUY", signal_price=None)
    async with db.session(account) as session:
        await record_signal(session, new)
        deletion = asyncio.create_task(signals.delete_alarm(account, alarm.alarm_id))
        await asyncio.wait({deletion}, timeout=0.3)
        assert not deletion.done()
    await deletion
    assert len((await signals.history(account)).items) == 1


@on_mariadb
async def test_many_record_while_the_alarm_is_deleted(
    signals: SignalService, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    alarm = await set_alarm()
    work = [record(alarm, triggered_at=None) for _ in range(31)]
    outcomes = await asyncio.gather(
        *work[:15], signals.delete_alarm(account, alarm.alarm_id), *work[15:], return_exceptions=True
    )
    failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert {type(error) for error in failed} <= {EntityNotFoundError}
    stored = (await signals.history(account)).items
    assert len(stored) == 32 - len(failed) - 1
