"""Notifications shown inside the application: creating, listing, reading, deleting, counting."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from functools import partial

from shardwise.database import ShardedDatabase
from shardwise.errors import DuplicateEntityError, EntityNotFoundError, InvalidValueError
from shardwise.finance.notifications import creating, deleting, expiry, marking, reading, statistics
from shardwise.finance.notifications.cleaner import Cleaner
from shardwise.finance.notifications.models import Notification
from shardwise.finance.notifications.values import (
    CleanedUp,
    Created,
    InAppNotification,
    NewNotification,
    Statistics,
)
from shardwise.finance.running import write_for
from shardwise.finance.validation import check_text
from shardwise.kit.clock import utc_now
from shardwise.kit.ids import new_text_id
from shardwise.kit.pages import Page
from shardwise.repository.values import check_limit

_MOST_AT_ONCE = 1_000
_MOST_DAYS = 3_660


class NotificationService:
    """The notifications of accounts, each on its account's shard.

    What the database gave up after a deadlock, a lock timeout or a lost connection is done again, whole.

    Args:
        db: an open database.
        clock: gives the moment, aware; for tests.
    """

    def __init__(self, db: ShardedDatabase, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._db = db
        self._clock = clock

    async def create(self, new: NewNotification) -> Created:
        """Store a notification, once for each id.

        The same id again, while the notification isn't deleted, gives the stored one, whatever the rest of
        `new` says.

        Raises:
            InvalidValueError: a field can't be accepted; nothing was asked of the database.
            DuplicateEntityError: the id can't be used: the account has deleted a notification of this id, or
                it is another account's; or, on a server, one is stored whose letters are of another case.
                The error doesn't say which.
            UnknownAccountError: the account has no shard.
            CommitOutcomeUnknownError: the connection was lost during the commit; repeat the call if you gave
                an id.
        """
        new.check()
        if new.notification_id is None:
            new = replace(new, notification_id=new_text_id())  # one for all attempts
        created = await write_for(
            self._db, new.account_db_key, lambda session: creating.create(session, new, self._clock())
        )
        if created.notification.notification_id != new.notification_id:  # of another case
            raise DuplicateEntityError(Notification.__name__, "uk_notification_id")
        return created

    async def unread(
        self,
        account_db_key: int,
        *,
        type_id: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[InAppNotification]:
        """Return one page of what is unread and not expired: the most urgent first, then the newest.

        Args:
            account_db_key: whose.
            type_id: of one type alone, as `NewNotification.type_id`.
            after: `next_cursor` of the page before.
            limit: how many at most, 1 to 1,000.

        Raises:
            InvalidValueError: an argument can't be accepted.
            UnknownAccountError: the account has no shard.
        """
        listing = self._listing(account_db_key, type_id, unread_only=True)
        return await self._page(listing, after=after, limit=limit)

    async def all(
        self,
        account_db_key: int,
        *,
        type_id: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[InAppNotification]:
        """Return one page of what is not expired: the unread first, then in the order of `unread`.

        Args:
            account_db_key: whose.
            type_id: of one type alone.
            after: `next_cursor` of the page before.
            limit: how many at most, 1 to 1,000.

        Raises:
            InvalidValueError: an argument can't be accepted.
            UnknownAccountError: the account has no shard.
        """
        return await self._page(self._listing(account_db_key, type_id), after=after, limit=limit)

    async def read_and_delete(
        self, account_db_key: int, *, type_id: str | None = None, limit: int = 50, skip: int = 0
    ) -> list[InAppNotification]:
        """Delete what is read and not expired, and return it: the newest read first.

        Each notification is returned once, to one caller: callers at the same time get different ones, so a
        call may return fewer than `limit` though there are more; an empty list means that none is left.
        If the connection is lost after the commit, what the call has deleted is lost to the caller:
        nothing shows it again. Read with `all` first where that matters.

        Args:
            account_db_key: whose.
            type_id: of one type alone, as `NewNotification.type_id`.
            limit: how many at most, 1 to 1,000.
            skip: leave out this many at the beginning, which stay; 0 or more. Each call removes what it
                returns, so a loop that takes everything leaves it at 0.

        Raises:
            InvalidValueError: an argument can't be accepted.
            UnknownAccountError: the account has no shard.
            CommitOutcomeUnknownError: the connection was lost during the commit; what would have been
                returned may be deleted.
        """
        _check_type(type_id)
        check_limit("limit", limit, 1, _MOST_AT_ONCE)
        check_limit("skip", skip, 0, None)
        while True:
            now = self._clock()
            async with self._db.session(account_db_key, read_only=True) as session:
                keys = await deleting.find_read(
                    session, account_db_key, type_id=type_id, skip=skip, limit=limit, now=now
                )
            if not keys:
                return []
            taken = await write_for(self._db, account_db_key, partial(deleting.consume, keys=keys, now=now))
            if taken:
                return taken
            # Others have taken all of these meanwhile; there may be more.

    async def mark_read(self, account_db_key: int, notification_id: str) -> bool:
        """Mark a notification as read, an expired one too; return whether it was unread.

        Raises:
            EntityNotFoundError: the account has no notification of this id, or has deleted it.
            InvalidValueError: this can't be an id.
            UnknownAccountError: the account has no shard.
        """
        check_text("notification_id", notification_id, longest=128)
        marked = await write_for(
            self._db,
            account_db_key,
            lambda session: marking.mark_read(session, account_db_key, notification_id, self._clock()),
        )
        if marked is marking.Marked.NOT_FOUND:
            raise EntityNotFoundError(Notification.__name__, notification_id)
        return marked is marking.Marked.MARKED

    async def mark_all_read(self, account_db_key: int, *, type_id: str | None = None) -> int:
        """Mark as read what is unread and not expired; return how many were.

        What is created while the call runs may stay unread.

        Raises:
            InvalidValueError: the type can't be accepted.
            UnknownAccountError: the account has no shard.
        """
        _check_type(type_id)
        now = self._clock()
        async with self._db.session(account_db_key, read_only=True) as session:
            keys = await marking.find_unread(session, account_db_key, type_id=type_id, now=now)
        if not keys:
            return 0
        return await write_for(self._db, account_db_key, partial(marking.mark_all_read, keys=keys, now=now))

    async def delete(self, account_db_key: int, notification_id: str) -> None:
        """Delete a notification. Its id can't be used again.

        Raises:
            EntityNotFoundError: the account has no notification of this id, or has deleted it.
            InvalidValueError: this can't be an id.
            UnknownAccountError: the account has no shard.
        """
        check_text("notification_id", notification_id, longest=128)
        found = await write_for(
            self._db,
            account_db_key,
            lambda session: deleting.delete(session, account_db_key, notification_id, self._clock()),
        )
        if not found:
            raise EntityNotFoundError(Notification.__name__, notification_id)

    async def statistics(self, account_db_key: int, *, days: int = 7) -> Statistics:
        """Return an account's counts by day of creation, today's and those of some days before.

        Args:
            account_db_key: whose.
            days: before today, 0 to 3,660.

        Raises:
            InvalidValueError: the number of days can't be accepted.
            UnknownAccountError: the account has no shard.
        """
        check_limit("days", days, 0, _MOST_DAYS)
        async with self._db.session(account_db_key, read_only=True) as session:
            return await statistics.statistics_of(session, account_db_key, days=days, now=self._clock())

    async def recount(self, account_db_key: int, *, day: date | None = None) -> int:
        """Set an account's counts to what its notifications say; return the number of days.

        For rows that the old system made: it counted on the day of the call instead of the notification's.
        `auto_deleted_count` is kept as it is, as nothing tells it.

        Args:
            account_db_key: whose.
            day: one UTC day; None = every day.

        Raises:
            InvalidValueError: this is no day.
            UnknownAccountError: the account has no shard.
        """
        if day is not None and type(day) is not date:
            raise InvalidValueError("day", f"it must be a date, not {type(day).__name__}")
        return await write_for(
            self._db,
            account_db_key,
            lambda session: statistics.recount(session, account_db_key, day=day, now=self._clock()),
        )

    async def clean_up_shard(self, shard_id: int, *, batch_size: int = expiry.BATCH) -> CleanedUp:
        """Delete what has expired, of all accounts of a shard, one transaction a batch.

        It may be stopped at any time and run again, also twice at once.

        Args:
            shard_id: the shard.
            batch_size: notifications that are locked at a time, 1 to 1,000.

        Returns:
            How many were deleted; if it failed, why.

        Raises:
            InvalidValueError: the size can't be accepted.
        """
        return await Cleaner(self._db, self._clock(), batch_size=batch_size).clean_up(shard_id)

    async def clean_up(self, *, batch_size: int = expiry.BATCH) -> tuple[CleanedUp, ...]:
        """Delete what has expired on every active shard, one after the other; one that fails stops no other.

        Raises:
            InvalidValueError: the size can't be accepted.
        """
        cleaner = Cleaner(self._db, self._clock(), batch_size=batch_size)
        return tuple([await cleaner.clean_up(shard.shard_id) for shard in self._db.topology.active])

    def _listing(
        self, account_db_key: int, type_id: str | None, *, unread_only: bool = False
    ) -> reading.Listing:
        _check_type(type_id)
        return reading.Listing(
            account_db_key=account_db_key, now=self._clock(), type_id=type_id, unread_only=unread_only
        )

    async def _page(
        self, listing: reading.Listing, *, after: str | None, limit: int
    ) -> Page[InAppNotification]:
        async with self._db.session(listing.account_db_key, read_only=True) as session:
            return await reading.read_page(session, listing, after=after, limit=limit)


def _check_type(type_id: str | None) -> None:
    if type_id is not None:
        check_text("type_id", type_id, longest=64)
