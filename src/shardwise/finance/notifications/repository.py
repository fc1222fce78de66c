"""All SQL for notifications. Rows are locked by primary key alone, in its order.

A locking read along another index would hold that index's entries while it waits for the row, and whoever
holds the row waits for the entry as soon as it changes: a deadlock. So what a list finds is read without
locks, and then locked and looked at again by primary key.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.engine import Row

from shardwise.finance.hints import by_index, read_by_index
from shardwise.finance.notifications.models import Notification
from shardwise.finance.notifications.values import InAppNotification
from shardwise.kit.pages import Page
from shardwise.repository import BaseRepository, Filters, OrderBy
from shardwise.repository.keys import with_keys

Key = tuple[int, int]

UNREAD_ORDER = ("priority", "-created_at", "-idx")
ALL_ORDER = ("is_read", *UNREAD_ORDER)

_KEYS_A_STATEMENT = 1_000
_NAMES = tuple(InAppNotification.__dataclass_fields__)
_COLUMNS = tuple(getattr(Notification, name) for name in _NAMES)


class Found(NamedTuple):
    """An account's own notification, deleted or not."""

    notification: InAppNotification
    is_deleted: bool


class Expired(NamedTuple):
    """An expired notification: its place in the order of expiry."""

    expires_at: datetime
    account_db_key: int
    idx: int


class NotificationRepository(BaseRepository[Notification]):
    """Notifications, in a session of their shard that the caller ends."""

    max_limit = 1_000

    def query(self, filters: Filters = None, *, include_deleted: bool = False) -> Select[Any]:
        # Rows are changed by statements, so objects that the session knows may be out of date.
        found = super().query(filters, include_deleted=include_deleted)
        return found.execution_options(populate_existing=True)

    async def add(self, notification: InAppNotification) -> None:
        """Store a new notification, with one statement.

        Raises:
            DuplicateEntityError: its id is taken. The transaction goes on as if nothing had been sent.
        """
        await self.create_many([asdict(notification)])

    async def listed_page(
        self, conditions: Sequence[ColumnElement[bool]], *, order: OrderBy, after: str | None, limit: int
    ) -> Page[InAppNotification]:
        """Return one page of those with some properties."""
        page = await self.page(filters=conditions, order_by=order, after=after, limit=limit)
        return Page(items=[*map(_view, page.items)], next_cursor=page.next_cursor)

    async def listed(
        self, conditions: Sequence[ColumnElement[bool]], *, order: OrderBy, skip: int, limit: int | None
    ) -> list[InAppNotification]:
        """Return those with some properties; None = without a limit."""
        if limit == 0:
            return []
        statement = self._cut(self.query(conditions), skip, None, order).limit(limit)
        return [*map(_view, await self._all(statement))]

    async def find_own(self, account_db_key: int, notification_id: str, *, for_update: bool) -> Found | None:
        """Return an account's notification as it is now, locked.

        Args:
            account_db_key: whose.
            notification_id: its id, compared as the column's collation does.
            for_update: lock it for changing; otherwise against being changed.
        """
        statement = (
            select(*_COLUMNS, Notification.is_deleted)
            .where(
                Notification.account_db_key == account_db_key, Notification.notification_id == notification_id
            )
            .with_for_update(read=not for_update)
        )
        with self.translated():
            row = (await self.session.execute(statement)).one_or_none()
        return None if row is None else Found(_view(row), row.is_deleted)

    async def find_keys(
        self,
        conditions: Sequence[ColumnElement[bool]],
        *,
        order: Sequence[ColumnElement[Any]] = (),
        skip: int = 0,
        limit: int | None = None,
    ) -> list[Key]:
        """Return the primary keys of those with some properties, without locking anything."""
        statement = select(Notification.account_db_key, Notification.idx).where(*self.conditions(conditions))
        statement = statement.order_by(*order).limit(limit)
        if skip:
            statement = statement.offset(skip)
        with self.translated():
            return [(account, idx) for account, idx in await self.session.execute(statement)]

    async def find_expired(self, now: datetime, *, after: Expired | None, limit: int) -> list[Expired]:
        """Return some that have expired, in the order of expiry, without locking anything."""
        order: tuple[Any, ...] = (Notification.expires_at, Notification.account_db_key, Notification.idx)
        statement = select(*order).where(*self.conditions([Notification.expires_at <= now]))
        if after is not None:
            statement = statement.where(_later(after))
        with self.translated():
            rows = await self.session.execute(statement.order_by(*order).limit(limit))
        return [Expired(*row) for row in rows]

    async def lock(self, keys: Sequence[Key]) -> list[InAppNotification]:
        """Lock rows and return them as they are now, in the order of the keys, without deleted ones."""
        found: dict[Key, InAppNotification] = {}
        for part in _parts(keys):
            statement = (
                select(*_COLUMNS)
                .add_columns(Notification.is_deleted)
                .where(with_keys(self.shape, part))
                .order_by(Notification.account_db_key, Notification.idx)
                .with_for_update()
            )
            statement = read_by_index(statement, Notification)
            with self.translated():
                rows: Sequence[Row[Any]] = (await self.session.execute(statement)).all()
            found |= {(row.account_db_key, row.idx): _view(row) for row in rows if not row.is_deleted}
        return [found[key] for key in keys if key in found]

    async def change(self, keys: Sequence[Key], **values: object) -> None:
        """Change rows that are locked."""
        for part in _parts(keys):
            statement = by_index(update(Notification)).where(with_keys(self.shape, part)).values(values)
            with self.translated():
                await self.session.execute(statement, execution_options={"synchronize_session": False})

    async def count_live(self, conditions: Sequence[ColumnElement[bool]]) -> int:
        """Return how many have some properties."""
        statement = select(func.count()).select_from(Notification).where(*self.conditions(conditions))
        with self.translated():
            return await self.session.scalar(statement) or 0


def own(account_db_key: int, *, type_id: str | None = None) -> list[ColumnElement[bool]]:
    """Return the condition that notifications are an account's, and of a type if one is given."""
    conditions: list[ColumnElement[bool]] = [Notification.account_db_key == account_db_key]
    if type_id is not None:
        conditions.append(Notification.type_id == type_id)
    return conditions


def not_expired(now: datetime) -> ColumnElement[bool]:
    """Return the condition that notifications are still to be shown."""
    return or_(Notification.expires_at.is_(None), Notification.expires_at > now)


def is_read(read: bool) -> ColumnElement[bool]:
    """Return the condition that notifications are read, or that they aren't."""
    return Notification.is_read == read


def _view(row: Any) -> InAppNotification:
    return InAppNotification(**{name: getattr(row, name) for name in _NAMES})


def _parts(keys: Sequence[Key]) -> Iterator[list[Key]]:
    ordered = sorted(keys)
    for start in range(0, len(ordered), _KEYS_A_STATEMENT):
        yield ordered[start : start + _KEYS_A_STATEMENT]


def _later(than: Expired) -> ColumnElement[bool]:
    moment, account, idx = Notification.expires_at, Notification.account_db_key, Notification.idx
    same_account = and_(account == than.account_db_key, idx > than.idx)
    same_moment = and_(moment == than.expires_at, or_(account > than.account_db_key, same_account))
    return and_(moment >= than.expires_at, or_(moment > than.expires_at, same_moment))
