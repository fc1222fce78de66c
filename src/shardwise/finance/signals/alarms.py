"""Setting, switching and deleting alarms."""

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import DuplicateEntityError, EntityNotFoundError
from shardwise.finance.signals.alarm_repository import AlarmRepository
from shardwise.finance.signals.models import SignalAlarm
from shardwise.finance.signals.requests import NewAlarm
from shardwise.finance.signals.values import Alarm
from shardwise.kit.clock import utc_now
from shardwise.kit.ids import new_text_id

LIVE_SYMBOL_KEY = "uk_live_symbol"
"""The unique key that a second live alarm for a symbol breaks; `DuplicateEntityError.constraint` names it."""


async def create_alarm(session: AsyncSession, new: NewAlarm) -> Alarm:
    """Store an alarm, switched on.

    Of several tasks that do this for one account and symbol, one succeeds: a unique key of the database
    sees to it. What the caller did before in its transaction stays done if the alarm is refused.

    Raises:
        DuplicateEntityError: the account has an alarm for this symbol (its `constraint` is
            `LIVE_SYMBOL_KEY`), or the id is taken.
    """
    now = utc_now()
    row = {
        "account_db_key": new.account_db_key,
        "alarm_id": new_text_id() if new.alarm_id is None else new.alarm_id,
        "symbol": new.symbol,
        "company_name": new.company_name,
        "current_price": new.current_price,
        "exchange": new.exchange,
        "currency": new.currency,
        "note": new.note,
        "is_active": True,
        "created_at": now,
        "updated_at": now,
    }
    alarms = AlarmRepository(session)
    try:
        await alarms.create_many([row])
    except DuplicateEntityError as error:
        # Where both the id and the symbol are taken, the database names the id.
        if error.constraint == LIVE_SYMBOL_KEY or not await alarms.has_live(new.account_db_key, new.symbol):
            raise
        raise DuplicateEntityError(SignalAlarm.__name__, LIVE_SYMBOL_KEY) from error
    return Alarm.of(row)


async def toggle_alarm(session: AsyncSession, account_db_key: int, alarm_id: str) -> bool:
    """Switch an alarm on if it is off, off if it is on; returns whether it is on now.

    Raises:
        EntityNotFoundError: the account has no such alarm.
    """
    state = await AlarmRepository(session).toggle(account_db_key, alarm_id)
    if state is None:
        raise _not_found(account_db_key, alarm_id)
    return state


async def delete_alarm(session: AsyncSession, account_db_key: int, alarm_id: str) -> None:
    """Delete an alarm and switch it off. Its signals stay; its symbol may be given a new alarm.

    Raises:
        EntityNotFoundError: the account has no such alarm.
    """
    if not await AlarmRepository(session).remove(account_db_key, alarm_id):
        raise _not_found(account_db_key, alarm_id)


def _not_found(account_db_key: int, alarm_id: str) -> EntityNotFoundError:
    return EntityNotFoundError(SignalAlarm.__name__, (account_db_key, alarm_id))
