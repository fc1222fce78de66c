"""Compares what watching has left in the databases with what the closes say."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from shardwise.cli.demo.figures import Figure, each, name_of
from shardwise.cli.demo.stored import Stored, StoredShard
from shardwise.cli.demo.watchers import TOKENS, TUTORIAL_STEPS
from shardwise.cli.demo.watching import ExpectedSignal, Watch, expect_signals
from shardwise.finance.signals.values import SignalStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRate:
    """How the signals of an asset turned out, as stored.

    Attributes:
        symbol: the asset.
        alarms: investors who watch it.
        bought: signals that say BUY.
        sold: signals that say SELL.
        won: signals that won.
        win_rate: in percent, 2 digits after the point.
        profit: the mean of what following them brought in percent, 2 digits after the point.
    """

    symbol: str
    alarms: int
    bought: int
    sold: int
    won: int
    win_rate: Decimal
    profit: Decimal


def compare_watches(
    watches: Sequence[Watch], standings: Mapping[str, SignalStatistics], stored: Stored
) -> list[Figure]:
    """Return the figures of watching.

    Args:
        watches: who watched what.
        standings: what the statistics said to each of them, by name.
        stored: what the databases hold.
    """
    expected = {watch.name: expect_signals(watch) for watch in watches}
    shards = list(stored.shards.values())
    signals = _signals_of(shards, stored)
    right = {f"{name} {signal.day}": _facts(signal) for name, all_of in expected.items() for signal in all_of}
    told = [notification for shard in shards for notification in shard.notifications]
    rates = {name: _rate(all_of) for name, all_of in expected.items()}
    return [
        Figure(name="alarms", expected=len(watches), stored=sum(len(shard.alarms) for shard in shards)),
        each("signals with their word, price and outcome", right, signals, "signal of"),
        each(
            "investors with the right win rate",
            rates,
            {name: standing.performance.win_rate for name, standing in standings.items()},
            "win rate of",
        ),
        Figure(name="notifications", expected=len(right), stored=len(told)),
        Figure(
            name="notifications read",
            expected=sum(bool(all_of) for all_of in expected.values()),
            stored=sum(notification.is_read for notification in told),
        ),
        Figure(
            name="chat messages counted in their rooms",
            expected=2 * len(watches),
            stored=sum(room.message_count for shard in shards for room in shard.rooms),
        ),
        Figure(
            name="tokens in the daily statistics",
            expected=TOKENS * len(watches),
            stored=sum(day.total_tokens for shard in shards for day in shard.chat_days),
        ),
        Figure(
            name="tutorials at their furthest step",
            expected=len(watches),
            stored=sum(
                row.completed_step == max(TUTORIAL_STEPS) for shard in shards for row in shard.tutorials
            ),
        ),
    ]


def win_rates(stored: Stored) -> list[WinRate]:
    """Return how the signals of each asset turned out."""
    shards = stored.shards.values()
    alarms = Counter(alarm.symbol for shard in shards for alarm in shard.alarms)
    return [_win_rate(symbol, count, list(shards)) for symbol, count in sorted(alarms.items())]


def _win_rate(symbol: str, alarms: int, shards: Sequence[StoredShard]) -> WinRate:
    signals = [signal for shard in shards for signal in shard.signals if signal.symbol == symbol]
    words = Counter(signal.signal_type for signal in signals)
    won = sum(signal.is_win is True for signal in signals)
    profits = [Fraction(signal.profit_rate or 0) for signal in signals]
    return WinRate(
        symbol=symbol,
        alarms=alarms,
        bought=words["BUY"],
        sold=words["SELL"],
        won=won,
        win_rate=_hundredths(Fraction(100 * won, max(1, len(signals)))),
        profit=_hundredths(sum(profits, Fraction(0)) / max(1, len(profits))),
    )


def _signals_of(shards: Sequence[StoredShard], stored: Stored) -> dict[str, tuple[object, ...]]:
    return {
        f"{name_of(stored, signal.account_db_key)} {signal.triggered_at and signal.triggered_at.date()}": (
            signal.signal_type,
            signal.signal_price,
            signal.price_after_1d,
            signal.profit_rate,
            signal.is_win,
        )
        for shard in shards
        for signal in shard.signals
    }


def _facts(signal: ExpectedSignal) -> tuple[object, ...]:
    return signal.word, signal.price, signal.price_after, signal.profit, signal.won


def _rate(signals: Sequence[ExpectedSignal]) -> Decimal:
    won = sum(signal.won for signal in signals)
    return _hundredths(Fraction(100 * won, max(1, len(signals))))


def _hundredths(value: Fraction) -> Decimal:
    """Round half away from zero to 2 digits after the point."""
    scaled = abs(value) * 100
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if value >= 0 else -whole) / 100
