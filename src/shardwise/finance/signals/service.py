"""Alarms, their signals, and how those turned out."""

from dataclasses import replace
from decimal import Decimal

from shardwise.database import ShardedDatabase
from shardwise.finance.running import write_for
from shardwise.finance.signals import alarms, evaluation, recording
from shardwise.finance.signals.alarm_repository import AlarmRepository
from shardwise.finance.signals.requests import (
    NewAlarm,
    NewSignal,
    SignalFilter,
    check_price,
    check_signal_type,
)
from shardwise.finance.signals.signal_repository import SignalRepository
from shardwise.finance.signals.values import Alarm, AlarmStanding, RecordedSignal, SignalStatistics
from shardwise.kit.ids import new_text_id
from shardwise.kit.pages import Page
from shardwise.repository.values import check_limit
from shardwise.transactions.retry import with_db_retry

_MOST_A_PAGE = 1_000
# Inserts that wait for one unique value all get a shared lock once it is given up, and then wait for each
# other: InnoDB ends all but one of them.
_ATTEMPTS_TO_CREATE = 8


class SignalService:
    """The alarms and signals of accounts, each on its account's shard.

    What the database gave up after a deadlock, a lock timeout or a lost connection is done again, whole.
    Every method raises `UnknownAccountError` if the account has no shard. What concerns all accounts is in
    `SignalFleet`.

    Args:
        db: an open database.
    """

    def __init__(self, db: ShardedDatabase) -> None:
        self._db = db

    async def create_alarm(self, new: NewAlarm) -> Alarm:
        """Set an alarm, switched on.

        Raises:
            InvalidValueError: a field can't be accepted; nothing was asked of the database.
            DuplicateEntityError: the account has an alarm for this symbol, in any case of its letters, or the
                id is taken.
        """
        new.check()
        if new.alarm_id is None:
            new = replace(new, alarm_id=new_text_id())  # one for all attempts
        retry = self._db.settings.retry

        @with_db_retry(max(retry.attempts, _ATTEMPTS_TO_CREATE), retry.backoff)
        async def create() -> Alarm:
            async with self._db.session(new.account_db_key) as session:
                return await alarms.create_alarm(session, new)

        return await create()

    async def list_alarms(
        self, account_db_key: int, *, after: str | None = None, limit: int = 50
    ) -> Page[AlarmStanding]:
        """Return one page of alarms, on or off, newest first, with how their signals turned out.

        Args:
            account_db_key: whose alarms.
            after: `next_cursor` of the page before.
            limit: alarms at most, 1 to 1,000.

        Raises:
            InvalidValueError: the cursor or the limit can't be accepted.
        """
        check_limit("limit", limit, 1, _MOST_A_PAGE)
        async with self._db.session(account_db_key, read_only=True) as session:
            return await AlarmRepository(session).standings(account_db_key, after=after, limit=limit)

    async def toggle_alarm(self, account_db_key: int, alarm_id: str) -> bool:
        """Switch an alarm on if it is off, off if it is on; returns whether it is on now.

        Raises:
            EntityNotFoundError: the account has no such alarm.
        """
        return await write_for(
            self._db, account_db_key, lambda session: alarms.toggle_alarm(session, account_db_key, alarm_id)
        )

    async def delete_alarm(self, account_db_key: int, alarm_id: str) -> None:
        """Delete an alarm and switch it off; its signals stay.

        Raises:
            EntityNotFoundError: the account has no such alarm.
        """
        await write_for(
            self._db, account_db_key, lambda session: alarms.delete_alarm(session, account_db_key, alarm_id)
        )

    async def record(self, new: NewSignal) -> RecordedSignal:
        """Store a signal of an alarm, which may be switched off but not deleted.

        Raises:
            InvalidValueError: a field can't be accepted; nothing was asked of the database.
            EntityNotFoundError: the account has no such alarm.
            DuplicateEntityError: the signal id is taken.
        """
        new.check()
        if new.signal_id is None:
            new = replace(new, signal_id=new_text_id())  # one for all attempts
        return await write_for(
            self._db, new.account_db_key, lambda session: recording.record_signal(session, new)
        )

    async def history(
        self,
        account_db_key: int,
        wanted: SignalFilter | None = None,
        *,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[RecordedSignal]:
        """Return one page of signals, newest first; those of deleted alarms too.

        Args:
            account_db_key: whose signals.
            wanted: which of them; by default all.
            after: `next_cursor` of the page before, with the same `wanted`.
            limit: signals at most, 1 to 1,000.

        Raises:
            InvalidValueError: the cursor, the limit or the signal type can't be accepted.
        """
        wanted = wanted or SignalFilter()
        if wanted.signal_type is not None:
            check_signal_type(wanted.signal_type)
        async with self._db.session(account_db_key, read_only=True) as session:
            page = await SignalRepository(session).page_of(account_db_key, wanted, after=after, limit=limit)
        return Page(items=[RecordedSignal.of(row) for row in page.items], next_cursor=page.next_cursor)

    async def statistics(self, account_db_key: int) -> SignalStatistics:
        """Return an account's alarms and signals in numbers, zeros where there are none."""
        async with self._db.session(account_db_key, read_only=True) as session:
            return await SignalRepository(session).statistics(account_db_key)

    async def evaluate(
        self, account_db_key: int, signal_id: str, price: Decimal, *, again: bool = False
    ) -> RecordedSignal:
        """Judge a signal by the price one day after it.

        BUY and STRONG_BUY win if the price rose by 1 % or more, SELL and STRONG_SELL if it fell by as much.
        `profit_rate` is what following the signal brought: above zero for a SELL whose price fell.

        Args:
            account_db_key: whose signal.
            signal_id: the signal.
            price: above zero, at most 6 digits after the point, below 10**13.
            again: also if it was evaluated before, which is overwritten.

        Raises:
            InvalidValueError: the price can't be accepted; nothing was asked of the database.
            EntityNotFoundError: the account has no such signal.
            SignalEvaluationError: it was evaluated before, or can't be judged.
        """
        exact = check_price("price", price)
        return await write_for(
            self._db,
            account_db_key,
            lambda session: evaluation.evaluate_signal(
                session, account_db_key, signal_id, exact, again=again
            ),
        )
