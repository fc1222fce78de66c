"""The lists of an account's notifications. Reading them changes nothing."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.notifications.repository import (
    ALL_ORDER,
    UNREAD_ORDER,
    NotificationRepository,
    is_read,
    not_expired,
    own,
)
from shardwise.finance.notifications.values import InAppNotification
from shardwise.kit.pages import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a list shows: never what is deleted or expired.

    Attributes:
        account_db_key: whose notifications.
        now: the moment that decides what is expired.
        type_id: of one type alone; None = of all.
        unread_only: leave out what is read. The most urgent come first, the newest first among equals; with
            the read ones, the unread ones come before those.
    """

    account_db_key: int
    now: datetime
    type_id: str | None = None
    unread_only: bool = False

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row has to meet."""
        shown = [*own(self.account_db_key, type_id=self.type_id), not_expired(self.now)]
        return [*shown, is_read(False)] if self.unread_only else shown

    @property
    def order(self) -> tuple[str, ...]:
        """Return the order of the rows."""
        return UNREAD_ORDER if self.unread_only else ALL_ORDER


async def read_page(
    session: AsyncSession, listing: Listing, *, after: str | None, limit: int
) -> Page[InAppNotification]:
    """Return one page of a list, by cursor.

    Raises:
        InvalidValueError: the cursor or the limit (1 to 1,000) can't be accepted.
    """
    repository = NotificationRepository(session)
    return await repository.listed_page(listing.conditions, order=listing.order, after=after, limit=limit)


async def read_part(
    session: AsyncSession, listing: Listing, *, skip: int, limit: int | None
) -> list[InAppNotification]:
    """Return a part of a list, by position; no limit = to its end."""
    repository = NotificationRepository(session)
    return await repository.listed(listing.conditions, order=listing.order, skip=skip, limit=limit)
