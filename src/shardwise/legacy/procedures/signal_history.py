"""Signals and how they turned out, under their old names."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from shardwise.errors import ConstraintViolationError
from shardwise.finance.signals.alarm_repository import AlarmRepository
from shardwise.finance.signals.models import Signal
from shardwise.finance.signals.recording import record_signal
from shardwise.finance.signals.requests import NewSignal, SignalFilter
from shardwise.finance.signals.signal_repository import SignalRepository
from shardwise.finance.signals.types import SignalType
from shardwise.kit.clock import utc_now
from shardwise.legacy.parameters import day, dec, i8, i32, i64, text, u64, word
from shardwise.legacy.procedure import Call, Procedure, Rows, Signature, alias
from shardwise.legacy.procedures.signal_procedure import NO_ALARM, STATUS, procedure, rows, success
from shardwise.legacy.rows import code

_JUDGED = ("price_after_1d", "profit_rate", "is_win", "evaluated_at")
_SIGNAL = ("symbol", "signal_type", "signal_price")
_HISTORY = ("signal_id", "alarm_id", *_SIGNAL, "volume", "triggered_at", *_JUDGED)
_PENDING = ("signal_id", "alarm_id", "account_db_key", *_SIGNAL, "triggered_at")
_STATISTICS = (
    "total_alarms",
    "active_alarms",
    "total_signals",
    "buy_signals",
    "sell_signals",
    "evaluated_signals",
    "win_signals",
    "overall_win_rate",
    "overall_profit_rate",
)
_REQUIRED = ("signal_id", "alarm_id", "account_db_key", "symbol", "signal_type")
_LONGEST_TYPE = 20  # STRONG_SELL has 11 characters


async def _save_signal(call: Call, *, alarm_id: str | None, **given: Any) -> Rows:
    """Save a signal: 7 parameters name its account and symbol, with 4 of them the alarm does."""
    alarm = None
    if alarm_id is not None:
        alarm = await AlarmRepository(call.session).find(given.get("account_db_key"), alarm_id, lock=True)
    for name in _REQUIRED:
        if name in given and given[name] is None:
            raise ConstraintViolationError(Signal.__name__, "not null", name)
    if alarm is None:
        return [code(1002, NO_ALARM)]
    signal = NewSignal(**given | {"alarm_id": alarm.alarm_id, "account_db_key": alarm.account_db_key})
    await record_signal(call.session, signal, alarm=alarm)
    return [code(0, "Signal has been saved")]


async def _update_performance(
    call: Call,
    *,
    signal_id: str | None,
    price_after_1d: Decimal | None,
    profit_rate: Decimal | None,
    is_win: int | None,
) -> Rows:
    now = utc_now()
    judged = {
        "price_after_1d": price_after_1d,
        "profit_rate": profit_rate,
        "is_win": None if is_win is None else bool(is_win),
        "evaluated_at": now,
        "updated_at": now,
    }
    if signal_id is None or not await SignalRepository(call.session).overwrite(signal_id, judged):
        return [code(1002, "Signal not found")]
    return [code(0, "Signal performance has been updated")]


async def _history(call: Call, *, account_db_key: int | None, limit: int | None, **filters: Any) -> Rows:
    if account_db_key is None:
        return [success()]
    wanted = SignalFilter(**{name: value or None for name, value in filters.items()})
    at_most = limit if limit is not None and limit > 0 else None
    found = await SignalRepository(call.session).first_of(account_db_key, wanted, limit=at_most)
    return [success(), *rows(_HISTORY, found)]


async def _pending(call: Call, *, evaluation_date: date | None) -> Rows:
    if evaluation_date is None:
        return [code(1, "evaluation_date parameter is required")]
    since = datetime.combine(evaluation_date, time(), tzinfo=UTC)
    until = datetime.max.replace(tzinfo=UTC)
    if evaluation_date < date.max:
        until = since + timedelta(days=1)
    found = await SignalRepository(call.session).waiting(since=since, until=until, limit=None)
    return [success(), *rows(_PENDING, found)]


async def _statistics(call: Call, *, account_db_key: int | None) -> Rows:
    found = await SignalRepository(call.session).statistics(account_db_key or 0)  # nobody has the key 0
    values = (
        found.total_alarms,
        found.active_alarms,
        found.total_signals,
        found.buy_signals,
        found.sell_signals,
        found.performance.evaluated_signals,
        found.performance.won_signals,
        found.performance.win_rate,
        found.performance.profit_rate,
    )
    return [success(), dict(zip(_STATISTICS, values, strict=True))]


_WITH_ACCOUNT: Signature = (
    text("signal_id", 128),
    text("alarm_id", 128),
    u64("account_db_key"),
    text("symbol", 50),
    word("signal_type", *SignalType),
    dec("signal_price", 19, 6),
    i64("volume"),
)
_OF_ALARM: Signature = (
    text("signal_id", 128),
    text("alarm_id", 128),
    text("signal_type", _LONGEST_TYPE),
    dec("signal_price", 19, 6),
)
_WANTED: Signature = (
    u64("account_db_key"),
    text("alarm_id", 128),
    text("symbol", 50),
    text("signal_type", _LONGEST_TYPE),
    i32("limit"),
)
_PERFORMANCE: Signature = (
    text("signal_id", 128),
    dec("price_after_1d", 19, 6),
    dec("profit_rate", 10, 6),
    i8("is_win"),
)

_SAVE = procedure("fp_signal_history_save", _save_signal, _WITH_ACCOUNT, _OF_ALARM)
_UPDATE = procedure("fp_signal_performance_update", _update_performance, _PERFORMANCE)
_GET_STATISTICS = procedure(
    "fp_signal_statistics_get",
    _statistics,
    (u64("account_db_key"),),
    results=(STATUS, _STATISTICS),
    writes=False,
)

PROCEDURES: tuple[Procedure, ...] = (
    _SAVE,
    alias("fp_signal_history_insert", _SAVE),
    procedure("fp_signal_history_get", _history, _WANTED, results=(STATUS, _HISTORY), writes=False),
    _UPDATE,
    alias("fp_signal_performance_evaluate", _UPDATE),
    procedure(
        "fp_signal_get_pending_evaluation",
        _pending,
        (day("evaluation_date"),),
        results=(STATUS, _PENDING),
        writes=False,
    ),
    _GET_STATISTICS,
    alias("fp_user_signal_statistics", _GET_STATISTICS),
)
