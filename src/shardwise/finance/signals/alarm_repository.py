"""All SQL for alarms."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Subquery, case, func, not_, select, update

from shardwise.finance.signals.models import Signal, SignalAlarm
from shardwise.finance.signals.rates import performance_of
from shardwise.finance.signals.values import Alarm, AlarmStanding
from shardwise.kit.clock import utc_now
from shardwise.kit.pages import Page
from shardwise.repository import BaseRepository
from shardwise.repository.ordering import build_order
from shardwise.repository.pages import behind_cursor, cursor_behind, page_order

_NEWEST_FIRST = ("-created_at", "-alarm_id")


class AlarmRepository(BaseRepository[SignalAlarm]):
    """Alarms, in a session of their shard that the caller ends."""

    async def find(self, account_db_key: int | None, alarm_id: str, *, lock: bool) -> SignalAlarm | None:
        """Return an alarm that is not deleted.

        Args:
            account_db_key: whose; None = anybody's of this shard.
            alarm_id: the alarm.
            lock: let nobody change it until the transaction ends.
        """
        owner = {} if account_db_key is None else {"account_db_key": account_db_key}
        found = self.query({**owner, "alarm_id": alarm_id})
        if lock:
            found = found.with_for_update(read=True).execution_options(populate_existing=True)
        with self.translated():
            alarm: SignalAlarm | None = await self.session.scalar(found)
        return alarm

    async def has_live(self, account_db_key: int, symbol: str) -> bool:
        """Return whether an account has an alarm for a symbol that is not deleted, seen as it is now."""
        own = self.conditions({"account_db_key": account_db_key, "symbol": symbol})
        with self.translated():
            found = select(SignalAlarm.alarm_id).where(*own).limit(1).with_for_update(read=True)
            return await self.session.scalar(found) is not None

    async def toggle(self, account_db_key: int, alarm_id: str) -> bool | None:
        """Switch an alarm on or off; returns what it is now, None if there is no such alarm."""
        own = {"account_db_key": account_db_key, "alarm_id": alarm_id}
        changed = (
            update(SignalAlarm)
            .where(*self.conditions(own))
            .values(is_active=not_(SignalAlarm.is_active), updated_at=utc_now())
        )
        if not await self._execute_on_many(changed):
            return None
        state = select(SignalAlarm.is_active).where(*self.conditions(own))  # the row is locked by us
        with self.translated():
            return bool(await self.session.scalar(state))

    async def remove(self, account_db_key: int, alarm_id: str) -> bool:
        """Mark an alarm as deleted and switch it off; returns whether there was one."""
        own = {"account_db_key": account_db_key, "alarm_id": alarm_id}
        return bool(await self.update_many(own, {"is_deleted": True, "is_active": False}))

    async def standings(
        self, account_db_key: int, *, after: str | None = None, limit: int | None = None
    ) -> Page[AlarmStanding]:
        """Return alarms with how their signals turned out, newest first, in one statement.

        Args:
            account_db_key: whose alarms.
            after: `next_cursor` of the page before.
            limit: alarms at most; None = all.
        """
        order = page_order(build_order(self.shape, _NEWEST_FIRST))
        figures = _figures(account_db_key)
        statement = (
            self.query({"account_db_key": account_db_key})
            .add_columns(figures.c.evaluated, figures.c.won, figures.c.judged, figures.c.profit)
            .outerjoin(figures, figures.c.alarm_id == SignalAlarm.alarm_id)
            .add_columns(*(term.expression.label(f"page_{i}") for i, term in enumerate(order)))
            .order_by(*(term.clause for term in order))
        )
        if after is not None:
            statement = statement.where(behind_cursor(self.shape, order, after))
        if limit is not None:
            statement = statement.limit(limit + 1)
        with self.translated():
            rows = (await self.session.execute(statement)).all()
        kept = rows if limit is None else rows[:limit]
        more = len(kept) < len(rows)
        values = kept[-1][-len(order) :] if more else ()
        cursor = cursor_behind(self.shape, order, values) if more else None
        return Page(items=[_standing(row) for row in kept], next_cursor=cursor)

    async def active(self, *, symbol: str | None = None) -> Sequence[SignalAlarm]:
        """Return the active alarms of everybody on this shard, for one symbol or all, oldest first."""
        given = {} if symbol is None else {"symbol": symbol}
        order = ("created_at", "account_db_key", "alarm_id")
        return await self.list({**given, "is_active": True}, order_by=order)

    async def active_symbols(self) -> Sequence[tuple[str, str | None]]:
        """Return each symbol with its exchange that somebody on this shard has an active alarm for."""
        statement = (
            select(SignalAlarm.symbol, SignalAlarm.exchange)
            .where(*self.conditions({"is_active": True}))
            .distinct()
            .order_by(SignalAlarm.symbol, SignalAlarm.exchange)
        )
        with self.translated():
            return [(row.symbol, row.exchange) for row in await self.session.execute(statement)]


def _figures(account_db_key: int) -> Subquery:
    """Return the evaluated signals of an account by alarm."""
    return (
        select(
            Signal.alarm_id,
            func.count().label("evaluated"),
            func.count(case((Signal.is_win == True, 1))).label("won"),  # noqa: E712  # SQL
            func.count(Signal.profit_rate).label("judged"),
            func.sum(Signal.profit_rate).label("profit"),
        )
        .where(
            Signal.account_db_key == account_db_key,
            Signal.is_deleted == False,  # noqa: E712  # SQL
            Signal.is_win.is_not(None),
        )
        .group_by(Signal.alarm_id)
        .subquery()
    )


def _standing(row: Any) -> AlarmStanding:
    performance = performance_of(
        evaluated=row.evaluated or 0, won=row.won or 0, judged=row.judged or 0, profit=row.profit
    )
    return AlarmStanding(alarm=Alarm.of(row[0]), performance=performance)
