"""Alarms under their old names."""

from typing import Any

from shardwise.errors import DuplicateEntityError, EntityNotFoundError, InvalidValueError
from shardwise.finance.signals.alarm_repository import AlarmRepository
from shardwise.finance.signals.alarms import LIVE_SYMBOL_KEY, create_alarm, delete_alarm, toggle_alarm
from shardwise.finance.signals.requests import NewAlarm
from shardwise.legacy.parameters import dec, text, u64
from shardwise.legacy.procedure import Call, Procedure, Rows, Signature, alias
from shardwise.legacy.procedures.signal_procedure import NO_ALARM, STATUS, procedure, rows, success
from shardwise.legacy.rows import code

_SHOWN = ("alarm_id", "symbol", "company_name", "current_price", "exchange", "currency")
_STANDING = (*_SHOWN, "note", "is_active", "created_at", "signal_count", "win_rate", "profit_rate")
_ACTIVE = ("alarm_id", "account_db_key", *_SHOWN[1:], "created_at")


async def _create_alarm(call: Call, *, alarm_id: str | None, symbol: str, **given: Any) -> Rows:
    if alarm_id is None:  # the caller would never learn of an id made here
        raise InvalidValueError("p_alarm_id", "it is required")
    try:
        await create_alarm(call.session, NewAlarm(alarm_id=alarm_id, symbol=symbol, **given))
    except DuplicateEntityError as error:
        if error.constraint != LIVE_SYMBOL_KEY:
            raise
        return [code(1062, f"{symbol} alert is already registered")]
    return [code(0, "Alert registered successfully")]


async def _list_alarms(call: Call, *, account_db_key: int | None) -> Rows:
    if account_db_key is None:
        return []
    page = await AlarmRepository(call.session).standings(account_db_key)
    return [
        {name: getattr(standing.alarm, name) for name in _STANDING[:-3]}
        | {
            "signal_count": standing.performance.evaluated_signals,
            "win_rate": standing.performance.win_rate,
            "profit_rate": standing.performance.profit_rate,
        }
        for standing in page.items
    ]


async def _toggle_alarm(call: Call, *, alarm_id: str | None, account_db_key: int | None) -> Rows:
    if alarm_id is None or account_db_key is None:
        return [code(1002, NO_ALARM, new_status=0)]
    try:
        state = await toggle_alarm(call.session, account_db_key, alarm_id)
    except EntityNotFoundError:
        return [code(1002, NO_ALARM, new_status=0)]
    return [code(0, f"Alert has been {'activated' if state else 'deactivated'}", new_status=state)]


async def _delete_alarm(call: Call, *, alarm_id: str | None, account_db_key: int | None) -> Rows:
    if alarm_id is None or account_db_key is None:
        return [code(1002, NO_ALARM)]
    try:
        await delete_alarm(call.session, account_db_key, alarm_id)
    except EntityNotFoundError:
        return [code(1002, NO_ALARM)]
    return [code(0, "Alert has been deleted")]


async def _active_alarms(call: Call) -> Rows:
    return [success(), *rows(_ACTIVE, await AlarmRepository(call.session).active())]


async def _alarms_of_symbol(call: Call, *, symbol: str | None) -> Rows:
    if not symbol:
        return [code(1, "symbol parameter is required")]
    return [success(), *rows(_ACTIVE, await AlarmRepository(call.session).active(symbol=symbol))]


async def _active_symbols(call: Call) -> Rows:
    found = await AlarmRepository(call.session).active_symbols()
    return [success(), *({"symbol": symbol, "exchange": exchange} for symbol, exchange in found)]


_OWN: Signature = (text("alarm_id", 128), u64("account_db_key"))
_NEW: Signature = (
    *_OWN,
    text("symbol", 50),
    text("company_name", 200),
    dec("current_price", 19, 6),
    text("exchange", 50),
    text("currency", 10),
    text("note", 500),
)

_CREATE = procedure("fp_signal_alarm_create", _create_alarm, _NEW)
_TOGGLE = procedure(
    "fp_signal_alarm_toggle",
    _toggle_alarm,
    _OWN,
    results=((*STATUS, "new_status"),),
    error_row={"new_status": 0},
)

PROCEDURES: tuple[Procedure, ...] = (
    _CREATE,
    alias("fp_signal_alarm_insert", _CREATE),
    procedure(
        "fp_signal_alarms_get_with_stats",
        _list_alarms,
        (u64("account_db_key"),),
        results=(_STANDING,),
        writes=False,
    ),
    _TOGGLE,
    alias("fp_signal_alarm_update", _TOGGLE),
    procedure("fp_signal_alarm_soft_delete", _delete_alarm, _OWN),
    procedure("fp_signal_alarms_get_active", _active_alarms, (), results=(STATUS, _ACTIVE), writes=False),
    procedure(
        "fp_signal_alarms_get_by_symbol",
        _alarms_of_symbol,
        (text("symbol", 50),),
        results=(STATUS, _ACTIVE),
        writes=False,
    ),
    procedure(
        "fp_signal_symbols_get_active",
        _active_symbols,
        (),
        results=(STATUS, ("symbol", "exchange")),
        writes=False,
    ),
)
