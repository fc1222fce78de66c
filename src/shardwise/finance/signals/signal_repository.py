"""All SQL for signals."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true

from shardwise.finance.signals.models import Signal, SignalAlarm
from shardwise.finance.signals.rates import performance_of
from shardwise.finance.signals.requests import SignalFilter
from shardwise.finance.signals.types import BUYING, SELLING
from shardwise.finance.signals.values import SignalStatistics
from shardwise.kit.pages import Page
from shardwise.repository import BaseRepository
from shardwise.repository.keys import with_keys

Position = tuple[datetime, int, str]
"""Where a signal stands among those to be evaluated: its moment, its account, its id."""

_NEWEST_FIRST = ("-triggered_at", "-signal_id")
_IN_TURN = ("triggered_at", "account_db_key", "signal_id")
_JUDGED = ("price_after_1d", "profit_rate", "is_win", "evaluated_at", "updated_at")
_REQUIRED = ("account_db_key", "signal_id", "alarm_id", "symbol", "signal_type")


class SignalRepository(BaseRepository[Signal]):
    """Signals, in a session of their shard that the caller ends."""

    max_limit = 1_000

    async def page_of(
        self, account_db_key: int, wanted: SignalFilter, *, after: str | None, limit: int
    ) -> Page[Signal]:
        """Return one page of an account's signals, newest first."""
        return await self.page(
            filters=_filters(account_db_key, wanted), order_by=_NEWEST_FIRST, after=after, limit=limit
        )

    async def first_of(
        self, account_db_key: int, wanted: SignalFilter, *, limit: int | None
    ) -> Sequence[Signal]:
        """Return an account's signals, newest first.

        Args:
            account_db_key: whose signals.
            wanted: which of them.
            limit: how many at most; None = all.
        """
        statement = self.query(_filters(account_db_key, wanted))
        statement = statement.order_by(Signal.triggered_at.desc(), Signal.signal_id.desc())
        with self.translated():
            return (await self.session.scalars(statement.limit(limit))).all()

    async def lock(self, keys: Iterable[tuple[int, str]]) -> Sequence[Signal]:
        """Return signals that are not deleted, as they are now, locked until the transaction ends.

        Args:
            keys: account and signal id of each.
        """
        statement = self.query([with_keys(self.shape, list(keys))]).with_for_update()
        with self.translated():
            return (await self.session.scalars(statement.execution_options(populate_existing=True))).all()

    async def waiting(
        self,
        *,
        since: datetime | None = None,
        until: datetime,
        behind: Position | None = None,
        limit: int | None,
    ) -> Sequence[Signal]:
        """Return the signals of this shard that nobody has evaluated, those that have waited longest first.

        Args:
            since: the earliest moment of a signal; None = any.
            until: the moment before which they were triggered.
            behind: only those that stand behind this position.
            limit: how many at most; None = all.
        """
        conditions: list[ColumnElement[bool]] = self.conditions(
            {"evaluated_at": None, "triggered_at__lt": until}
        )
        if since is not None:
            conditions.append(Signal.triggered_at >= since)
        if behind is not None:
            conditions += _behind(behind)
        statement = select(Signal).where(*conditions).order_by(*(getattr(Signal, name) for name in _IN_TURN))
        with self.translated():
            return (await self.session.scalars(statement.limit(limit))).all()

    async def store(self, signal: Signal, judged: Mapping[str, object]) -> None:
        """Store how a signal turned out that this transaction has locked."""
        await self._change([(signal, dict(judged))])

    async def store_judged(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store how signals turned out, in one statement; each must be locked by this transaction."""
        await self.upsert_many(rows, update=_JUDGED)

    async def overwrite(self, signal_id: str, judged: Mapping[str, object]) -> bool:
        """Store how one signal of this shard turned out; returns whether there is one that isn't deleted."""
        return bool(await self.update_many({"signal_id": signal_id}, judged))

    async def statistics(self, account_db_key: int) -> SignalStatistics:
        """Return an account's alarms and signals in numbers, in one statement."""
        with self.translated():
            row = (await self.session.execute(_statistics(account_db_key))).one()
        return SignalStatistics(
            total_alarms=row.total_alarms,
            active_alarms=row.active_alarms,
            total_signals=row.total_signals,
            buy_signals=row.buy_signals,
            sell_signals=row.sell_signals,
            performance=performance_of(
                evaluated=row.evaluated, won=row.won, judged=row.judged, profit=row.profit
            ),
        )


def judged_row(signal: Signal, judged: Mapping[str, object]) -> dict[str, object]:
    """Return the row that `store_judged` takes for a signal."""
    return {name: getattr(signal, name) for name in _REQUIRED} | dict(judged)


def _filters(account_db_key: int, wanted: SignalFilter) -> dict[str, object]:
    given = {"alarm_id": wanted.alarm_id, "symbol": wanted.symbol, "signal_type": wanted.signal_type}
    return {"account_db_key": account_db_key} | {
        name: value for name, value in given.items() if value is not None
    }


def _behind(position: Position) -> list[ColumnElement[bool]]:
    moment, account, signal = position
    later_id = and_(Signal.account_db_key == account, Signal.signal_id > signal)
    same_moment = and_(Signal.triggered_at == moment, or_(Signal.account_db_key > account, later_id))
    return [Signal.triggered_at >= moment, or_(Signal.triggered_at > moment, same_moment)]


def _counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _statistics(account_db_key: int) -> Any:
    alarms = (
        select(
            func.count().label("total_alarms"),
            _counted(SignalAlarm.is_active == True).label("active_alarms"),  # noqa: E712  # SQL
        )
        .where(
            SignalAlarm.account_db_key == account_db_key,
            SignalAlarm.is_deleted == False,  # noqa: E712  # SQL
        )
        .subquery()
    )
    evaluated = Signal.is_win.is_not(None)
    rate = case((evaluated, Signal.profit_rate))
    signals = (
        select(
            func.count().label("total_signals"),
            _counted(Signal.signal_type.in_(sorted(BUYING))).label("buy_signals"),
            _counted(Signal.signal_type.in_(sorted(SELLING))).label("sell_signals"),
            _counted(evaluated).label("evaluated"),
            _counted(Signal.is_win == True).label("won"),  # noqa: E712  # SQL
            func.count(rate).label("judged"),
            func.sum(rate).label("profit"),
        )
        .where(
            Signal.account_db_key == account_db_key,
            Signal.is_deleted == False,  # noqa: E712  # SQL
        )
        .subquery()
    )
    return select(alarms, signals).select_from(alarms.join(signals, true()))
