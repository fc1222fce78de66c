"""Recording a signal of an alarm."""

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import EntityNotFoundError
from shardwise.finance.signals.alarm_repository import AlarmRepository
from shardwise.finance.signals.models import SignalAlarm
from shardwise.finance.signals.requests import NewSignal
from shardwise.finance.signals.signal_repository import SignalRepository
from shardwise.finance.signals.values import RecordedSignal
from shardwise.kit.clock import utc_now
from shardwise.kit.ids import new_text_id


async def record_signal(
    session: AsyncSession, new: NewSignal, *, alarm: SignalAlarm | None = None
) -> RecordedSignal:
    """Store a signal of an alarm that is not deleted, switched on or off.

    The alarm is locked first, so that it isn't deleted meanwhile.

    Args:
        session: of the account's shard.
        new: the signal.
        alarm: its alarm, if the caller has found and locked it.

    Raises:
        EntityNotFoundError: the account has no such alarm.
        DuplicateEntityError: the signal id is taken.
    """
    if alarm is None:
        alarm = await AlarmRepository(session).find(new.account_db_key, new.alarm_id, lock=True)
    if alarm is None:
        raise EntityNotFoundError(SignalAlarm.__name__, (new.account_db_key, new.alarm_id))
    now = utc_now()
    recorded = RecordedSignal(
        account_db_key=alarm.account_db_key,
        signal_id=new_text_id() if new.signal_id is None else new.signal_id,
        alarm_id=alarm.alarm_id,
        symbol=alarm.symbol if new.symbol is None else new.symbol,
        signal_type=new.signal_type,
        signal_price=new.signal_price,
        volume=new.volume,
        triggered_at=now if new.triggered_at is None else new.triggered_at,
        price_after_1d=None,
        profit_rate=None,
        is_win=None,
        evaluated_at=None,
    )
    row = {name: getattr(recorded, name) for name in RecordedSignal.__dataclass_fields__}
    await SignalRepository(session).create_many([row | {"created_at": now, "updated_at": now}])
    return recorded
