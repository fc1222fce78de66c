"""Signals and how they turned out (2.35, 2.38–2.41), after what `alarms` has left."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import update

from differential.matching import MOMENT, NOW, TEXT, Kept
from differential.script.alarms import APPLE, DELETED, NOT_FOUND, UNKNOWN, listed
from differential.steps import FAILS, NO_ACCOUNT, OK, WRONG_SHARD, Database, Row, Step, numbers
from shardwise.finance.signals.models import Signal

SAVED = numbers(0, "Signal has been saved")
EVALUATED = numbers(0, "Signal performance has been updated")
NO_SIGNAL = numbers(1002, "Signal not found")
DATE_NEEDED = numbers(1, "evaluation_date parameter is required")
FAILED = numbers(1, TEXT)


def row(
    signal_id: str, alarm_id: str, symbol: str, kind: str, price: str | None, volume: int | None, *found: Any
) -> Row:
    """Return a row of 2.35; `found` is what its evaluation says."""
    after, rate, win = found or (None, None, None)
    return {
        "signal_id": signal_id,
        "alarm_id": alarm_id,
        "symbol": symbol,
        "signal_type": kind,
        "signal_price": None if price is None else Decimal(price),
        "volume": volume,
        "triggered_at": MOMENT,
        "price_after_1d": None if after is None else Decimal(after),
        "profit_rate": None if rate is None else Decimal(rate),
        "is_win": win,
        "evaluated_at": NOW if found else None,
    }


def statistics(
    alarms: int, active: int, signals: tuple[int, int, int, int, int], win_rate: str, profit_rate: str
) -> Row:
    """Return the row of 2.41."""
    return {
        "total_alarms": alarms,
        "active_alarms": active,
        "total_signals": signals[0],
        "buy_signals": signals[1],
        "sell_signals": signals[2],
        "evaluated_signals": signals[3],
        "win_signals": signals[4],
        "overall_win_rate": Decimal(win_rate),
        "overall_profit_rate": Decimal(profit_rate),
    }


def steps(shard: int) -> list[Step]:
    """Return the room's script for one shard."""
    db = Database(shard)
    call = db.call
    owner, other, stranger = Kept(f"owner{shard}"), Kept(f"other{shard}"), Kept(f"owner{3 - shard}")
    apple, foreign = f"alarm-{shard}-apple", f"alarm-{shard}-other"
    s = [f"signal-{shard}-{number}" for number in range(6)]
    four, seven = ("D17", None) if shard == 1 else (None, "D17")

    def save(signal_id: str, *rest: Any, **more: Any) -> Step:
        return call("fp_signal_history_save", signal_id, *rest, **more)

    def history(
        alarm: Any, symbol: Any, kind: Any, limit: Any, *gives: Row, key: Any = owner, **more: Any
    ) -> Step:
        return call("fp_signal_history_get", key, alarm, symbol, kind, limit, gives=[OK, *gives], **more)

    def evaluate(signal_id: str, *rest: Any, **more: Any) -> Step:
        return call(
            "fp_signal_performance_update", signal_id, *rest, **(more or {"gives": EVALUATED, "mends": "D6"})
        )

    def figures(key: Any, *gives: Row, **more: Any) -> Step:
        return call("fp_signal_statistics_get", key, gives=[OK, *gives], **more)

    saving = [
        history(None, None, None, 10),
        figures(owner, statistics(1, 1, (0, 0, 0, 0, 0), "0.00", "0.00"), mends="D13"),
        save(s[0], apple, owner, "AAPL", "BUY", "100.5", 1000, gives=SAVED, mends=seven),
        save(s[1], apple, "SELL", Decimal("101.25"), gives=SAVED, mends=four or "D6"),
        save(s[2], apple, owner, "AAPL", "sell", None, None, gives=SAVED, mends=seven),
        save(s[3], apple, "STRONG_BUY", 99, gives=SAVED, mends=four or "D6"),
        call(
            "fp_signal_history_insert",
            s[4],
            apple,
            owner,
            "TSLA",
            "BUY",
            1,
            2**40,
            gives=SAVED,
            mends=seven,
        ),
        save(s[5], foreign, other, "AAPL", "BUY", 10, 1, gives=SAVED, mends=seven),
        save("x", apple, owner, "AAPL", "HOLD", 1, 1, fails=FAILS, mends="D3"),
        save(s[0], apple, owner, "AAPL", "BUY", 1, 1, gives=FAILED, logged=True),
        save(s[0], apple, "BUY", 1, gives=FAILED, logged=True),
        save("x", "no-alarm", "BUY", 1, gives=NOT_FOUND, mends=four),
        # Shard 1 didn't look at the alarm where its seven parameters named the rest.
        save("x", "no-alarm", owner, "AAPL", "BUY", 1, 1, gives=NOT_FOUND, mends="D17"),
        save("x", foreign, owner, "AAPL", "BUY", 1, 1, gives=NOT_FOUND, mends="D17"),
        save("x", apple, "BUY", 1, 2, fails=FAILS),
        save("x", apple, UNKNOWN, "AAPL", "BUY", 1, 1, fails=NO_ACCOUNT, mends="D21"),
        save("x", apple, stranger, "AAPL", "BUY", 1, 1, fails=WRONG_SHARD, mends="D21"),
    ]
    rows = [
        row(s[0], apple, "AAPL", "BUY", "100.500000", 1000),
        row(s[1], apple, "AAPL", "SELL", "101.250000", 0),
        row(s[2], apple, "AAPL", "SELL", None, None),
        row(s[3], apple, "AAPL", "STRONG_BUY", "99.000000", 0),
        row(s[4], apple, "TSLA", "BUY", "1.000000", 2**40),
    ]
    reading = [
        history(None, None, None, 10, *reversed(rows)),
        history("", "", "", 10, *reversed(rows)),
        history(None, None, None, 2, rows[4], rows[3]),
        history(None, None, None, None, *reversed(rows), mends="D17"),
        history(None, None, None, 0, *reversed(rows), mends="D17"),
        history(None, None, None, -1, *reversed(rows)),
        history(apple, None, None, 10, *reversed(rows)),
        history(foreign, None, None, 10),
        history(None, "TSLA", None, 10, rows[4]),
        history(None, None, "SELL", 10, rows[2], rows[1]),
        history(apple, "AAPL", "BUY", 10, rows[0]),
        history(foreign, "TSLA", None, 10),
        history(None, '" OR account_db_key > 0 OR symbol = "', None, 10, mends="D5"),
        history(None, "\\' OR 1=1 -- ", None, 10, mends="D5"),
        history(None, None, None, 10, row(s[5], foreign, "AAPL", "BUY", "10.000000", 1), key=other),
        history(None, None, None, 10, key=UNKNOWN),
        call("fp_signal_history_get", stranger, None, None, None, 10, fails=WRONG_SHARD, mends="D21"),
        figures(owner, statistics(1, 1, (5, 3, 2, 0, 0), "0.00", "0.00"), mends="D13"),
    ]
    evaluating = [
        evaluate("no-signal", 1, 1, 1, gives=NO_SIGNAL, mends="D6"),
        evaluate(s[0], "102.51", "2.0", 1),
        history(apple, "AAPL", "BUY", 10, rows[0] | _found("102.510000", "2.000000", 1)),
        evaluate(s[0], 110, Decimal("9.4527363"), 1),
        history(apple, "AAPL", "BUY", 10, rows[0] | _found("110.000000", "9.452736", 1)),
        evaluate(s[1], "103", "1.728395", 0),
        evaluate(s[3], None, None, None),
        history(apple, None, "STRONG_BUY", 10, rows[3] | {"evaluated_at": NOW}),
        evaluate(s[2], "1", "10000", 1, fails=FAILS),
        # Half of the evaluated ones win, on average by (9.452736 + 1.728395) / 2 percent.
        figures(owner, statistics(1, 1, (5, 3, 2, 2, 1), "50.00", "5.59"), mends="D13"),
        call(
            "fp_signal_alarms_get_with_stats",
            owner,
            gives=[listed(apple, "AAPL", *APPLE, "it's mine", rates=(2, "50.00", "5.59"))],
        ),
        call("fp_signal_performance_evaluate", s[4], 2, 100, 1, gives=EVALUATED),
        figures(owner, statistics(1, 1, (5, 3, 2, 3, 2), "66.67", "37.06"), mends="D13"),
        call(
            "fp_user_signal_statistics",
            other,
            gives=[OK, statistics(1, 1, (1, 1, 0, 0, 0), "0.00", "0.00")],
            mends="D13",
        ),
        figures(UNKNOWN, statistics(0, 0, (0, 0, 0, 0, 0), "0.00", "0.00"), mends="D13"),
        call("fp_signal_statistics_get", stranger, fails=WRONG_SHARD, mends="D21"),
    ]
    return [*saving, *reading, *evaluating, *_pending(db, s, apple, foreign)]


def _found(after: str, rate: str, win: int) -> Row:
    return {
        "price_after_1d": Decimal(after),
        "profit_rate": Decimal(rate),
        "is_win": win,
        "evaluated_at": NOW,
    }


def _pending(db: Database, s: list[str], apple: str, foreign: str) -> list[Step]:
    call = db.call
    owner, other = Kept(f"owner{db.shard}"), Kept(f"other{db.shard}")
    midnight = datetime(2026, 3, 5, tzinfo=UTC)

    def wait(signal_id: str, alarm_id: str, key: Kept, price: str | None, kind: str, at: datetime) -> Row:
        return {
            "signal_id": signal_id,
            "alarm_id": alarm_id,
            "account_db_key": key,
            "symbol": "AAPL",
            "signal_type": kind,
            "signal_price": None if price is None else Decimal(price),
            "triggered_at": at.replace(tzinfo=None),
        }

    def trigger(signal_id: str, at: datetime) -> Step:
        return db.meanwhile(
            lambda kept: update(Signal).where(Signal.signal_id == signal_id).values(triggered_at=at)
        )

    def due(day: Any, *gives: Row, **more: Any) -> Step:
        return call("fp_signal_get_pending_evaluation", day, gives=gives, **more)

    last = midnight + timedelta(days=1, microseconds=-1)
    waiting = (
        wait(s[2], apple, owner, None, "SELL", midnight),
        wait(s[5], foreign, other, "10.000000", "BUY", last),
    )
    return [
        trigger(s[2], midnight),
        trigger(s[5], last),
        trigger(s[0], midnight + timedelta(hours=5)),  # evaluated before
        due(midnight.date(), OK, *waiting),
        due("2026-03-05", OK, *waiting),
        due(midnight.replace(tzinfo=None, hour=15), OK, *waiting),
        due("2026-03-04", OK),
        due("2026-03-06", OK),
        due(None, DATE_NEEDED),
        call("fp_signal_performance_update", s[2], 1, 1, 0, gives=EVALUATED),
        due("2026-03-05", OK, waiting[1]),
        # A deleted alarm's signals stay, and count.
        call("fp_signal_alarm_soft_delete", apple, owner, gives=DELETED),
        call(
            "fp_signal_statistics_get",
            owner,
            gives=[OK, statistics(0, 0, (5, 3, 2, 4, 2), "50.00", "28.05")],
            mends="D13",
        ),
    ]
