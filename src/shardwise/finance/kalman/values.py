"""What goes into a filter's history, and what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shardwise.errors import InvalidValueError
from shardwise.finance.documents import check_document
from shardwise.finance.kalman.shapes import Matrix, Vector, check_covariance, check_vector
from shardwise.finance.validation import check_code, check_moment, check_text

_MOST_STEPS = (1 << 31) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewState:
    """A state of a filter to be saved.

    Args:
        account_db_key: whose filter.
        ticker: what it follows, 1 to 20 visible ASCII characters.
        timestamp: the moment that the state is of, aware.
        state_vector_x: five finite numbers: trend, momentum, volatility, macro signal, technical signal.
        covariance_matrix_p: five rows of five, symmetric, with no negative variance.
        step_count: steps that led to it, 0 or more.
        trading_signal: what the filter advises, 1 to 20 characters.
        market_data: what it saw, as JSON.
        performance_metrics: how it did, as JSON.
    """

    account_db_key: int
    ticker: str
    timestamp: datetime
    state_vector_x: Sequence[float]
    covariance_matrix_p: Sequence[Sequence[float]]
    step_count: int = 0
    trading_signal: str | None = None
    market_data: object = None
    performance_metrics: object = None

    def check(self) -> None:
        """Check every field. (The old procedure takes any covariance of the right shape.)

        Raises:
            InvalidValueError: one of them can't be accepted; it, or its cell, is named.
        """
        check_ticker(self.ticker)
        check_moment("timestamp", self.timestamp)
        check_vector("state_vector_x", self.state_vector_x)
        check_covariance("covariance_matrix_p", self.covariance_matrix_p)
        if type(self.step_count) is not int or not 0 <= self.step_count <= _MOST_STEPS:
            raise InvalidValueError("step_count", f"{self.step_count!r} is not from 0 to {_MOST_STEPS}")
        if self.trading_signal is not None:
            check_text("trading_signal", self.trading_signal, longest=20)
        check_document("market_data", self.market_data)
        check_document("performance_metrics", self.performance_metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterState:
    """A state of a filter as it is stored; fields as in `NewState`, the moments in UTC.

    Attributes:
        idx: orders states of one moment; unique in the account.
        created_at: when it was saved.
    """

    account_db_key: int
    idx: int
    ticker: str
    timestamp: datetime
    state_vector_x: Vector
    covariance_matrix_p: Matrix
    step_count: int
    trading_signal: str | None
    market_data: object
    performance_metrics: object
    created_at: datetime


def check_ticker(value: str) -> str:
    """Return a ticker.

    Raises:
        InvalidValueError: it can't be one.
    """
    return check_code("ticker", value, longest=20)
