"""What watching left behind: each kind of damage to it must be found and named."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shardwise.cli.demo.figures import wrong
from shardwise.cli.demo.prices import Close
from shardwise.cli.demo.stored import Stored, StoredShard
from shardwise.cli.demo.watch_figures import compare_watches, win_rates
from shardwise.cli.demo.watching import PERIODS, Watch
from shardwise.finance.chat.models import ChatRoom, ChatStatistics
from shardwise.finance.notifications.models import Notification
from shardwise.finance.signals.models import Signal, SignalAlarm
from shardwise.finance.signals.values import Performance, SignalStatistics
from shardwise.finance.tutorial.models import TutorialProgress

FIRST = date(2020, 1, 1)
DAY = FIRST + timedelta(days=PERIODS)
PRICES = [*(Decimal(9 + 2 * (place % 2)) for place in range(PERIODS)), Decimal(8), Decimal("8.16")]
WATCH = Watch(
    name="ann",
    symbol="WTI",
    closes=tuple(Close(day=FIRST + timedelta(days=n), price=price) for n, price in enumerate(PRICES)),
)
STANDING = SignalStatistics(
    total_alarms=1,
    active_alarms=1,
    total_signals=1,
    buy_signals=1,
    sell_signals=0,
    performance=Performance(
        evaluated_signals=1, won_signals=1, win_rate=Decimal(100), profit_rate=Decimal(2)
    ),
)


def shard() -> StoredShard:
    return StoredShard(
        shard_id=1,
        name="shard_1",
        address="somewhere",
        revision="s0023",
        rows={},
        counted=1,
        accounts={},
        transactions=[],
        positions=[],
        alarms=[SignalAlarm(account_db_key=1000, symbol="WTI")],
        signals=[
            Signal(
                account_db_key=1000,
                symbol="WTI",
                signal_type="BUY",
                signal_price=Decimal(8),
                price_after_1d=Decimal("8.16"),
                profit_rate=Decimal(2),
                is_win=True,
                triggered_at=datetime(DAY.year, DAY.month, DAY.day, 21, tzinfo=UTC),
            )
        ],
        notifications=[Notification(account_db_key=1000, is_read=True)],
        rooms=[ChatRoom(account_db_key=1000, message_count=2)],
        chat_days=[ChatStatistics(account_db_key=1000, total_tokens=120)],
        tutorials=[TutorialProgress(account_db_key=1000, completed_step=3)],
    )


def stored(only: StoredShard) -> Stored:
    return Stored(names={1000: "ann"}, logins={}, directory={1000: 1}, shards={1: only})


def test_undamaged_is_right() -> None:
    figures = compare_watches([WATCH], {"ann": STANDING}, stored(shard()))
    assert wrong(figures) == []
    assert len(figures) == 8


def test_win_rates_are_those_of_the_rows() -> None:
    (rate,) = win_rates(stored(shard()))
    assert (rate.symbol, rate.alarms, rate.bought, rate.sold, rate.won) == ("WTI", 1, 1, 0, 1)
    assert (rate.win_rate, rate.profit) == (Decimal(100), Decimal(2))


def change(rows: str, **values: object) -> Callable[[StoredShard], StoredShard]:
    def damage(healthy: StoredShard) -> StoredShard:
        for name, value in values.items():
            setattr(getattr(healthy, rows)[0], name, value)
        return healthy

    return damage


def lose(rows: str) -> Callable[[StoredShard], StoredShard]:
    change: dict[str, Any] = {rows: ()}
    return lambda healthy: replace(healthy, **change)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lose("alarms"), "alarms: expected 1, stored 0"),
        (lose("signals"), f"signal of ann {DAY}"),
        (change("signals", signal_type="SELL"), "SELL"),
        (change("signals", signal_price=Decimal(9)), "Decimal('9')"),
        (change("signals", profit_rate=Decimal("2.000001")), "2.000001"),
        (change("signals", is_win=False), "False"),
        (change("signals", account_db_key=1001), "signal of account 1001"),
        (lose("notifications"), "notifications: expected 1"),
        (change("notifications", is_read=False), "notifications read: expected 1, stored 0"),
        (change("rooms", message_count=1), "rooms: expected 2, stored 1"),
        (change("chat_days", total_tokens=119), "tokens in the daily statistics: expected 120, stored 119"),
        (change("tutorials", completed_step=2), "tutorials at their furthest step: expected 1, stored 0"),
    ],
)
def test_damage_is_found(damage: Callable[[StoredShard], StoredShard], named: str) -> None:
    failures = wrong(compare_watches([WATCH], {"ann": STANDING}, stored(damage(shard()))))
    assert failures
    assert named in " ".join(figure.sentence for figure in failures)


def test_wrong_standing_is_found() -> None:
    performance = replace(STANDING.performance, win_rate=Decimal("99.99"))
    standings = {"ann": replace(STANDING, performance=performance)}
    (failure,) = wrong(compare_watches([WATCH], standings, stored(shard())))
    assert "win rate of ann: expected 100, stored 99.99" in failure.sentence
