"""Adding a state to a filter's history."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.documents import check_document
from shardwise.finance.kalman.models import KalmanState
from shardwise.finance.kalman.repository import KalmanStateRepository
from shardwise.finance.kalman.shapes import check_matrix, check_vector
from shardwise.finance.kalman.values import NewState


async def save(session: AsyncSession, new: NewState, now: datetime) -> KalmanState:
    """Add a state in the caller's transaction, with one statement; the numbers stay as they were given.

    Raises:
        InvalidValueError: the vector or the matrix has another shape, or JSON can't hold a part.
    """
    check_vector("state_vector_x", new.state_vector_x)
    check_matrix("covariance_matrix_p", new.covariance_matrix_p)
    check_document("market_data", new.market_data)
    check_document("performance_metrics", new.performance_metrics)
    state = KalmanState(
        account_db_key=new.account_db_key,
        ticker=new.ticker,
        timestamp=new.timestamp,
        state_vector_x=new.state_vector_x,
        covariance_matrix_p=new.covariance_matrix_p,
        step_count=new.step_count,
        trading_signal=new.trading_signal,
        market_data=new.market_data,
        performance_metrics=new.performance_metrics,
        created_at=now,
    )
    return await KalmanStateRepository(session).create(state)
