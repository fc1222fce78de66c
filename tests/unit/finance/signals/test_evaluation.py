import asyncio
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from shardwise.database import ShardedDatabase
from shardwise.errors import EntityNotFoundError, InvalidValueError, SignalEvaluationError
from shardwise.finance.signals.due import ShardEvaluation, Skipped
from shardwise.finance.signals.evaluation import evaluate_batch
from shardwise.finance.signals.fleet import FleetAnswer
from shardwise.finance.signals.fleet_service import SignalFleet
from shardwise.finance.signals.models import Signal
from shardwise.finance.signals.service import SignalService
from shardwise.finance.signals.values import RecordedSignal
from shardwise.testing.counting import count_statements

from .conftest import NOON, Record, SetAlarm
from .test_alarms import CRAFTED, on_mariadb

DAY = NOON.date()


async def all_of(signals: SignalService, account: int) -> dict[str, RecordedSignal]:
    return {row.signal_id: row for row in (await signals.history(account, limit=1000)).items}


# One signal


async def test_a_verdict_is_stored(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    alarm = await set_alarm()
    for word, price, rate, win in (
        ("BUY", "101", "1", True),
        ("SELL", "101", "-1", False),
        ("STRONG_SELL", "0.000001", "99.999999", True),
        ("STRONG_BUY", "9999999999999.999999", "9999999999899.999999", True),
    ):
        signal = await record(alarm, word)
        with count_statements(db) as statements:
            judged = await signals.evaluate(account, signal.signal_id, Decimal(price))
        assert len(statements) == 2
        assert (await all_of(signals, account))[signal.signal_id] == judged
        assert (judged.profit_rate, judged.is_win) == (Decimal(rate), win)
        assert judged.price_after_1d == Decimal(price)
        assert judged.evaluated_at is not None


async def test_the_largest_move_there_can_be_is_stored(
    signals: SignalService, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    alarm = await set_alarm()
    for word, rate in (("BUY", "999999999999999999800"), ("SELL", "-999999999999999999800")):
        signal = await record(alarm, word, "0.000001")
        judged = await signals.evaluate(account, signal.signal_id, Decimal("9999999999999.999999"))
        assert judged.profit_rate == Decimal(rate)
        assert (await all_of(signals, account))[signal.signal_id] == judged


async def test_a_signal_is_judged_once_unless_asked(
    signals: SignalService, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    signal = await record(await set_alarm())
    first = await signals.evaluate(account, signal.signal_id, Decimal(102))
    with pytest.raises(SignalEvaluationError):
        await signals.evaluate(account, signal.signal_id, Decimal(50))
    assert await all_of(signals, account) == {signal.signal_id: first}
    second = await signals.evaluate(account, signal.signal_id, Decimal(50), again=True)
    assert (second.profit_rate, second.is_win) == (Decimal(-50), False)
    assert await all_of(signals, account) == {signal.signal_id: second}


async def test_what_can_not_be_judged_is_refused(
    *,
    db: ShardedDatabase,
    signals: SignalService,
    account: int,
    neighbour: int,
    set_alarm: SetAlarm,
    record: Record,
) -> None:
    priceless = await record(await set_alarm(), price=None)
    with pytest.raises(SignalEvaluationError, match="no price"):
        await signals.evaluate(account, priceless.signal_id, Decimal(1))
    for price in (Decimal(0), Decimal(-1), 1.5, None):
        with count_statements(db) as statements, pytest.raises(InvalidValueError):
            await signals.evaluate(account, priceless.signal_id, price)  # type: ignore[arg-type]
        assert statements == []
    for owner, name in ((neighbour, priceless.signal_id), (account, "x"), *((account, c) for c in CRAFTED)):
        with pytest.raises(EntityNotFoundError):
            await signals.evaluate(owner, name, Decimal(1))


@on_mariadb
async def test_of_many_that_judge_one_signal_at_once_one_succeeds(
    signals: SignalService, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    signal = await record(await set_alarm())
    prices = [Decimal(101 + number) for number in range(32)]
    outcomes = await asyncio.gather(
        *(signals.evaluate(account, signal.signal_id, price) for price in prices), return_exceptions=True
    )
    judged = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    errors = {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)}
    assert len(judged) == 1
    assert errors == {SignalEvaluationError}
    assert await all_of(signals, account) == {signal.signal_id: judged[0]}


# All that is due


def evaluated(answer: FleetAnswer[ShardEvaluation]) -> int:
    assert answer.complete
    return sum(shard.evaluated for shard in answer.by_shard.values())


def skipped(answer: FleetAnswer[ShardEvaluation]) -> list[Skipped]:
    return [item for shard in answer.by_shard.values() for item in shard.skipped]


async def test_all_shards_are_judged(
    *,
    db: ShardedDatabase,
    signals: SignalService,
    fleet: SignalFleet,
    account: int,
    neighbour: int,
    set_alarm: SetAlarm,
    record: Record,
) -> None:
    mine, theirs = await set_alarm("AAPL"), await set_alarm("MSFT", account_db_key=neighbour)
    for number in range(5):
        for alarm in (mine, theirs):
            await record(alarm, "SELL" if number % 2 else "BUY", signal_id=f"{alarm.symbol}{number}")
    answer = await fleet.evaluate_due(DAY, {"aapl": Decimal(101), "MSFT": Decimal(99)}, batch_size=2)
    home, other = [(await db.where(key)).shard_id for key in (account, neighbour)]
    assert answer.by_shard == {
        home: ShardEvaluation(shard_id=home, evaluated=5, won=3, skipped=(), done=True),
        other: ShardEvaluation(shard_id=other, evaluated=5, won=2, skipped=(), done=True),
    }
    rows = await all_of(signals, account)
    assert {row.is_win for name, row in rows.items() if int(name[-1]) % 2 == 0} == {True}
    assert {row.profit_rate for name, row in rows.items() if int(name[-1]) % 2} == {Decimal(-1)}
    assert evaluated(await fleet.evaluate_due(DAY, {"AAPL": Decimal(1), "MSFT": Decimal(1)})) == 0
    assert await all_of(signals, account) == rows


async def test_what_is_later_than_the_day_waits(
    fleet: SignalFleet, set_alarm: SetAlarm, record: Record
) -> None:
    alarm = await set_alarm()
    midnight = NOON.replace(hour=0) + timedelta(days=1)
    await record(alarm, triggered_at=midnight - timedelta(microseconds=1))
    await record(alarm, triggered_at=midnight)
    prices = {"AAPL": Decimal(101)}
    assert evaluated(await fleet.evaluate_due(DAY - timedelta(days=1), prices)) == 0
    assert evaluated(await fleet.evaluate_due(DAY, prices)) == 1
    assert evaluated(await fleet.evaluate_due(DAY + timedelta(days=1), prices)) == 1


async def test_what_has_no_price_is_reported_and_stays_due(
    signals: SignalService, fleet: SignalFleet, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    names = ("ZERO", "NONE", "GOOD", "LONG", "NEGATIVE")
    for symbol in names:
        alarm = await set_alarm(symbol)
        await record(alarm)
        await record(alarm)
    await record(await set_alarm("PRICELESS"), price=None)
    prices = {
        "ZERO": Decimal(0),
        "GOOD": Decimal(101),
        "LONG": Decimal("1.0000001"),
        "NEGATIVE": Decimal(-1),
        "PRICELESS": Decimal(3),
    }
    answer = await fleet.evaluate_due(DAY, prices, batch_size=3)
    assert evaluated(answer) == 2
    assert [(item.symbol, item.signals) for item in skipped(answer)] == [
        ("LONG", 2),
        ("NEGATIVE", 2),
        ("NONE", 2),
        ("PRICELESS", 1),
        ("ZERO", 2),
    ]
    assert all(item.problem for item in skipped(answer))
    again = await fleet.evaluate_due(DAY + timedelta(days=7), dict.fromkeys(names, Decimal(99)))
    assert evaluated(again) == 8
    assert [item.symbol for item in skipped(again)] == ["PRICELESS"]


async def test_a_function_is_asked_once_for_the_day_after_each_signals_own(
    *,
    signals: SignalService,
    fleet: SignalFleet,
    account: int,
    neighbour: int,
    set_alarm: SetAlarm,
    record: Record,
) -> None:
    asked: list[tuple[str, date]] = []

    async def price(symbol: str, day: date) -> Decimal | None:
        asked.append((symbol, day))
        if symbol == "DOWN":
            raise ConnectionError("the market is closed")
        return Decimal(100 + day.day)

    for owner in (account, neighbour):
        alarm = await set_alarm("AAPL", account_db_key=owner)
        for days in (0, 0, 3):
            await record(alarm, triggered_at=NOON - timedelta(days=days))
        await record(await set_alarm("DOWN", account_db_key=owner))
    answer = await fleet.evaluate_due(DAY, price)
    assert evaluated(answer) == 6
    assert sorted(asked) == [
        ("AAPL", DAY - timedelta(days=2)),
        ("AAPL", DAY + timedelta(days=1)),
        ("DOWN", DAY + timedelta(days=1)),
    ]
    assert {item.problem for item in skipped(answer)} == {"ConnectionError: the market is closed"}
    rows = (await all_of(signals, account)).values()
    assert sorted(row.price_after_1d for row in rows if row.price_after_1d) == [108, 111, 111]


async def test_a_run_that_was_cut_short_is_gone_on_with(
    signals: SignalService, fleet: SignalFleet, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    alarm = await set_alarm()
    for number in range(7):
        await record(alarm, triggered_at=NOON + timedelta(seconds=number // 3))

    def stop(state: ShardEvaluation) -> None:
        assert (state.evaluated, state.done) == (2, False)
        raise KeyboardInterrupt

    shard_id = (await fleet._db.where(account)).shard_id
    with pytest.raises(KeyboardInterrupt):
        await fleet.evaluate_shard(shard_id, DAY, {"AAPL": Decimal(101)}, batch_size=2, progress=stop)
    told: list[ShardEvaluation] = []
    rest = await fleet.evaluate_shard(
        shard_id, DAY, {"AAPL": Decimal(99)}, batch_size=2, progress=told.append
    )
    assert (rest.evaluated, rest.won, rest.done) == (5, 0, True)
    assert [state.evaluated for state in told] == [2, 4, 5]
    rows = (await all_of(signals, account)).values()
    assert sorted(bool(row.is_win) for row in rows) == [False] * 5 + [True] * 2


async def test_a_batch_takes_three_statements(
    db: ShardedDatabase, fleet: SignalFleet, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    alarm = await set_alarm()
    for _ in range(4):
        await record(alarm)
    shard_id = (await db.where(account)).shard_id
    with count_statements(db) as statements:
        await fleet.evaluate_shard(shard_id, DAY, {"AAPL": Decimal(101)})
    assert len(statements) == 3


async def test_what_somebody_else_has_judged_meanwhile_is_left_alone(
    db: ShardedDatabase, signals: SignalService, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    alarm = await set_alarm()
    judged, deleted, open_ = [await record(alarm) for _ in range(3)]
    first = await signals.evaluate(account, judged.signal_id, Decimal(150))
    async with db.session(account) as session:
        gone = update(Signal).where(Signal.account_db_key == account, Signal.signal_id == deleted.signal_id)
        await session.execute(gone.values(is_deleted=True))
    prices = {(account, each.signal_id): Decimal(90) for each in (judged, deleted, open_)}
    async with db.shard_session((await db.where(account)).shard_id) as session:
        verdicts = await evaluate_batch(session, prices | {(account, "never"): Decimal(1)})
    assert [verdict.profit_rate for verdict in verdicts] == [Decimal(-10)]
    rows = await all_of(signals, account)
    assert rows[judged.signal_id] == first
    assert set(rows) == {judged.signal_id, open_.signal_id}


async def test_the_prices_of_a_shard_are_asked_side_by_side(
    db: ShardedDatabase, fleet: SignalFleet, account: int, set_alarm: SetAlarm, record: Record
) -> None:
    under_way: set[str] = set()
    most = 0

    async def price(symbol: str, day: date) -> Decimal:
        nonlocal most
        under_way.add(symbol)
        most = max(most, len(under_way))
        await asyncio.sleep(0.01)
        under_way.remove(symbol)
        return Decimal(101)

    for number in range(12):
        await record(await set_alarm(f"S{number}"))
    done = await fleet.evaluate_shard((await db.where(account)).shard_id, DAY, price)
    assert (done.evaluated, most) == (12, 8)


@on_mariadb
async def test_several_runs_at_once_judge_each_signal_once(
    fleet: SignalFleet, account: int, neighbour: int, set_alarm: SetAlarm, record: Record
) -> None:
    for owner in (account, neighbour):
        alarm = await set_alarm(account_db_key=owner)
        for _ in range(30):
            await record(alarm)
    answers = await asyncio.gather(
        *(fleet.evaluate_due(DAY, {"AAPL": Decimal(101)}, batch_size=7) for _ in range(8))
    )
    assert sum(map(evaluated, answers)) == 60


async def test_days_and_batches_out_of_range_are_refused(fleet: SignalFleet) -> None:
    for day, batch in ((NOON, 10), ("2026-03-10", 10), (DAY, 0), (DAY, 501), (date.max, 1)):
        with pytest.raises(InvalidValueError):
            await fleet.evaluate_due(day, {}, batch_size=batch)  # type: ignore[arg-type]
