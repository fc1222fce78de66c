"""All SQL for the states of filters."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement

from shardwise.finance.kalman.models import KalmanState
from shardwise.kit.pages import Page
from shardwise.repository import BaseRepository

# The columns of idx_kalman_latest behind the account and the ticker, and the rest of the primary key.
_OLDEST_FIRST = ("timestamp", "created_at", "idx")
_NEWEST_FIRST = ("-timestamp", "-created_at", "-idx")


class KalmanStateRepository(BaseRepository[KalmanState]):
    """States of filters, in a session of their shard that the caller ends."""

    max_limit = 1_000

    async def latest(self, account_db_key: int, ticker: str) -> KalmanState | None:
        """Return the newest state by its moment, then by when it was saved."""
        of_filter = {"account_db_key": account_db_key, "ticker": ticker}
        return next(iter(await self.list(of_filter, order_by=_NEWEST_FIRST, limit=1)), None)

    async def history_page(
        self, conditions: Sequence[ColumnElement[bool]], *, after: str | None, limit: int
    ) -> Page[KalmanState]:
        """Return one page of those with some properties, oldest first."""
        return await self.page(filters=conditions, order_by=_OLDEST_FIRST, after=after, limit=limit)

    async def history(
        self, conditions: Sequence[ColumnElement[bool]], *, skip: int, limit: int | None
    ) -> Sequence[KalmanState]:
        """Return those with some properties, oldest first; None = without a limit."""
        if limit == 0:
            return []
        return await self._all(self._cut(self.query(conditions), skip, None, _OLDEST_FIRST).limit(limit))


def in_period(
    account_db_key: int, ticker: str, start: datetime, end: datetime
) -> Sequence[ColumnElement[bool]]:
    """Return the condition that states are of a filter and of a period, both ends included."""
    return (
        KalmanState.account_db_key == account_db_key,
        KalmanState.ticker == ticker,
        KalmanState.timestamp >= start,
        KalmanState.timestamp <= end,
    )
