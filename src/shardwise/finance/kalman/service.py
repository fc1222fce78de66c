"""The states of the Kalman filters that follow prices: saving them, the latest one, a period."""

from datetime import datetime
from typing import Any

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError
from shardwise.finance.kalman.models import KalmanState
from shardwise.finance.kalman.repository import KalmanStateRepository, in_period
from shardwise.finance.kalman.saving import save
from shardwise.finance.kalman.shapes import check_matrix, check_vector, to_matrix, to_vector
from shardwise.finance.kalman.values import FilterState, NewState, check_ticker
from shardwise.finance.running import write_for
from shardwise.finance.validation import check_moment
from shardwise.kit.clock import utc_now
from shardwise.kit.pages import Page

_NAMES = tuple(FilterState.__dataclass_fields__)


class KalmanService:
    """The filters of accounts, one for each ticker; their states are only added, each on its account's shard.

    Args:
        db: an open database.
    """

    def __init__(self, db: ShardedDatabase) -> None:
        self._db = db

    async def save(self, new: NewState) -> FilterState:
        """Add a state.

        Done again, whole, if the database gave it up; called twice, it adds two.

        Raises:
            InvalidValueError: a field can't be accepted; nothing was asked of the database.
            UnknownAccountError: the account has no shard.
            CommitOutcomeUnknownError: the connection was lost during the commit; look at `latest`.
        """
        new.check()
        row = await write_for(self._db, new.account_db_key, lambda session: save(session, new, utc_now()))
        return _read(row)

    async def latest(self, account_db_key: int, ticker: str) -> FilterState | None:
        """Return a filter's newest state, by its moment and then by when it was saved; None if it has none.

        Raises:
            InvalidValueError: this can't be a ticker, or the stored row isn't of this shape.
            UnknownAccountError: the account has no shard.
        """
        check_ticker(ticker)
        async with self._db.session(account_db_key, read_only=True) as session:
            found = await KalmanStateRepository(session).latest(account_db_key, ticker)
        return None if found is None else _read(found)

    async def history(
        self,
        account_db_key: int,
        ticker: str,
        *,
        start: datetime,
        end: datetime,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[FilterState]:
        """Return one page of a filter's states of a period, oldest first.

        Args:
            account_db_key: whose filter.
            ticker: what it follows.
            start: the period's first moment, aware.
            end: its last one, aware, included too.
            after: `next_cursor` of the page before.
            limit: how many at most, 1 to 1,000.

        Raises:
            InvalidValueError: an argument can't be accepted, or a stored row isn't of this shape.
            UnknownAccountError: the account has no shard.
        """
        check_ticker(ticker)
        if check_moment("start", start) > check_moment("end", end):
            raise InvalidValueError("start", "the period begins after its end")
        conditions = in_period(account_db_key, ticker, start, end)
        async with self._db.session(account_db_key, read_only=True) as session:
            page = await KalmanStateRepository(session).history_page(conditions, after=after, limit=limit)
        return Page(items=[*map(_read, page.items)], next_cursor=page.next_cursor)


def _read(row: KalmanState) -> FilterState:
    """Return a row with its numbers as tuples of floats.

    Raises:
        InvalidValueError: an old program stored something else; the row and the cell are named.
    """
    values: dict[str, Any] = {name: getattr(row, name) for name in _NAMES}
    place = f"KalmanState({row.account_db_key}, {row.idx})"
    values["state_vector_x"] = to_vector(check_vector(f"{place}.state_vector_x", row.state_vector_x))
    values["covariance_matrix_p"] = to_matrix(
        check_matrix(f"{place}.covariance_matrix_p", row.covariance_matrix_p)
    )
    return FilterState(**values)
