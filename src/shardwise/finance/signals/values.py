"""What callers get about alarms and signals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Self

from shardwise.finance.signals.models import Signal, SignalAlarm


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm as it is stored; `current_price` is the one at its creation."""

    account_db_key: int
    alarm_id: str
    symbol: str
    company_name: str | None
    current_price: Decimal | None
    exchange: str | None
    currency: str | None
    note: str | None
    is_active: bool
    created_at: datetime

    @classmethod
    def of(cls, row: "SignalAlarm | Mapping[str, object]") -> Self:
        """Return what a row, or the values of one, say."""
        values = row if isinstance(row, Mapping) else {name: getattr(row, name) for name in ALARM_COLUMNS}
        return cls(**{name: values[name] for name in ALARM_COLUMNS})  # type: ignore[arg-type]


ALARM_COLUMNS = tuple(Alarm.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """How evaluated signals turned out.

    Attributes:
        evaluated_signals: how many there are.
        won_signals: how many of them won.
        win_rate: won ones per hundred, 2 digits after the point; zero without any.
        profit_rate: the mean of what they brought in percent, 2 digits after the point; zero without any.
    """

    evaluated_signals: int
    won_signals: int
    win_rate: Decimal
    profit_rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmStanding:
    """An alarm and how its signals turned out."""

    alarm: Alarm
    performance: Performance


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalStatistics:
    """An account's alarms and signals in numbers; signals of deleted alarms count.

    Attributes:
        total_alarms: alarms that are not deleted.
        active_alarms: those of them that are switched on.
        total_signals: signals, evaluated or not.
        buy_signals: those that say BUY or STRONG_BUY.
        sell_signals: those that say SELL or STRONG_SELL.
        performance: how the evaluated ones turned out.
    """

    total_alarms: int
    active_alarms: int
    total_signals: int
    buy_signals: int
    sell_signals: int
    performance: Performance


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSignal:
    """A signal as it is stored.

    Attributes:
        signal_type: a word of `SignalType`, unless an old program stored another one.
        profit_rate: what following the signal brought in a day, in percent; None until it is evaluated.
        is_win: whether that was enough; None until it is evaluated.
    """

    account_db_key: int
    signal_id: str
    alarm_id: str
    symbol: str
    signal_type: str
    signal_price: Decimal | None
    volume: int | None
    triggered_at: datetime | None
    price_after_1d: Decimal | None
    profit_rate: Decimal | None
    is_win: bool | None
    evaluated_at: datetime | None

    @classmethod
    def of(cls, row: Signal) -> Self:
        """Return what a row says."""
        return cls(**{name: getattr(row, name) for name in SIGNAL_COLUMNS})


SIGNAL_COLUMNS = tuple(RecordedSignal.__dataclass_fields__)
