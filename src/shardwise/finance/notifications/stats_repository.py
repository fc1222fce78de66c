"""All SQL for the counts of notifications. Rows are locked by primary key, in its order."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, and_, case, func, not_, select, update
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.dml import Insert

from shardwise.finance.hints import by_index, read_by_index
from shardwise.finance.notifications.models import Notification, NotificationStats
from shardwise.repository import BaseRepository, Filters
from shardwise.repository.keys import with_keys

StatsKey = tuple[int, date]
Changes = Mapping[StatsKey, Mapping[str, int]]

_COUNTED_PRIORITIES = (1, 2, 3)
_DERIVED = (
    "total_count",
    "read_count",
    "unread_count",
    *(f"priority_{n}_count" for n in _COUNTED_PRIORITIES),
)
_KEYS_A_STATEMENT = 500


class StatsRepository(BaseRepository[NotificationStats]):
    """Counts by account and day, in a session of their shard that the caller ends."""

    def query(self, filters: Filters = None, *, include_deleted: bool = False) -> Select[Any]:
        # Rows are changed by statements, so objects that the session knows may be out of date.
        found = super().query(filters, include_deleted=include_deleted)
        return found.execution_options(populate_existing=True)

    async def since(self, account_db_key: int, first: date) -> list[NotificationStats]:
        """Return an account's rows from a day on, newest first."""
        return await self.list({"account_db_key": account_db_key, "date__gte": first}, order_by="-date")

    async def count_new(self, key: StatsKey, priority: int, now: datetime) -> None:
        """Count one more unread notification, with one statement."""
        account_db_key, day = key
        counted = ["total_count", "unread_count"]
        if priority in _COUNTED_PRIORITIES:
            counted.append(f"priority_{priority}_count")
        first = {"account_db_key": account_db_key, "date": day, "created_at": now, "updated_at": now}
        more: dict[str, Any] = {name: getattr(NotificationStats, name) + 1 for name in counted}
        statement = _upsert(
            await self._dialect(first), first | dict.fromkeys(counted, 1), more | {"updated_at": now}
        )
        with self.translated():
            await self.session.execute(statement)

    async def adjust(self, changes: Changes, now: datetime) -> None:
        """Change the counts of rows that are there; none falls below zero.

        Args:
            changes: by account and day, by how much each column changes.
            now: the moment.
        """
        ordered = sorted(key for key, change in changes.items() if any(change.values()))
        for start in range(0, len(ordered), _KEYS_A_STATEMENT):
            part = ordered[start : start + _KEYS_A_STATEMENT]
            names = {name for key in part for name, amount in changes[key].items() if amount}
            values: dict[str, Any] = {
                name: _changed(
                    getattr(NotificationStats, name), {key: changes[key].get(name, 0) for key in part}
                )
                for name in sorted(names)
            }
            statement = by_index(update(NotificationStats)).where(with_keys(self.shape, part))
            with self.translated():
                await self.session.execute(
                    statement.values(**values, updated_at=now),
                    execution_options={"synchronize_session": False},
                )

    async def lock(self, account_db_key: int, day: date | None) -> Sequence[date]:
        """Lock an account's rows, and keep others from adding one; return their days."""
        statement = select(NotificationStats.date).where(NotificationStats.account_db_key == account_db_key)
        if day is not None:
            statement = statement.where(NotificationStats.date == day)
        statement = read_by_index(statement, NotificationStats)
        with self.translated():
            return (await self.session.scalars(statement.with_for_update())).all()

    async def derive(self, account_db_key: int, day: date | None) -> dict[date, dict[str, int]]:
        """Count an account's notifications by day; deleted ones only in what was created by priority."""
        # A sum rather than a column, so that each count is named by the day's column that it belongs to.
        created_on = func.date(Notification.created_at, type_=Date)
        live = not_(Notification.is_deleted)
        conditions = {
            "total_count": live,
            "read_count": and_(live, Notification.is_read),
            "unread_count": and_(live, not_(Notification.is_read)),
        } | {f"priority_{n}_count": Notification.priority == n for n in _COUNTED_PRIORITIES}
        sums = [func.sum(case((conditions[name], 1), else_=0)) for name in _DERIVED]
        statement = select(created_on, *sums).where(Notification.account_db_key == account_db_key)
        if day is not None:
            first, last = datetime.combine(day, time.min, UTC), datetime.combine(day, time.max, UTC)
            statement = statement.where(Notification.created_at.between(first, last))
        with self.translated():
            rows = await self.session.execute(statement.group_by(created_on))
        return {each: dict(zip(_DERIVED, map(int, counts), strict=True)) for each, *counts in rows}

    async def store(
        self, account_db_key: int, counts: Mapping[date, Mapping[str, int]], now: datetime
    ) -> None:
        """Set what can be derived of an account's days, with one statement; what is missing is zero."""
        rows = [
            {"account_db_key": account_db_key, "date": day, "updated_at": now}
            | {name: counts[day].get(name, 0) for name in _DERIVED}
            for day in sorted(counts)
        ]
        if rows:
            await self.upsert_many(rows)


def _upsert(dialect: str, first: dict[str, Any], more: dict[str, Any]) -> Insert:
    if dialect == "sqlite":
        return sqlite.insert(NotificationStats).values(first).on_conflict_do_update(set_=more)
    return mysql.insert(NotificationStats).values(first).on_duplicate_key_update(more)


def _changed(column: InstrumentedAttribute[int], amounts: Mapping[StatsKey, int]) -> ColumnElement[int]:
    """Return a count after its change, by the row's key; zero instead of less.

    The subtraction stands behind its own condition: of unsigned columns a server refuses a negative result
    (error 1690) even where it would be replaced afterwards.
    """
    more = {key: amount for key, amount in amounts.items() if amount > 0}
    less = {key: -amount for key, amount in amounts.items() if amount < 0}
    count: ColumnElement[int] = column + _by_key(more, len(amounts)) if more else column.expression
    if not less:
        return count
    taken = _by_key(less, len(amounts))
    return case((count > taken, count - taken), else_=0)


def _by_key(amounts: Mapping[StatsKey, int], rows: int) -> Any:
    """Return the amount that belongs to a row."""
    if len(set(amounts.values())) == 1 and len(amounts) == rows:
        return next(iter(amounts.values()))
    account, day = NotificationStats.account_db_key, NotificationStats.date
    return case(
        *((and_(account == key[0], day == key[1]), amount) for key, amount in amounts.items()), else_=0
    )
