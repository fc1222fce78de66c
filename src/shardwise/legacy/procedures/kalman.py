"""The old procedures of the Kalman filters, all of the shards."""

from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from shardwise.errors import InvalidValueError
from shardwise.finance.kalman.models import KalmanState
from shardwise.finance.kalman.repository import KalmanStateRepository, in_period
from shardwise.finance.kalman.saving import save
from shardwise.finance.kalman.values import NewState
from shardwise.kit.clock import utc_now
from shardwise.legacy.parameters import Parameter, i32, json_document, moment, text, u64
from shardwise.legacy.procedure import Call, Procedure, Row, Rows, Scope
from shardwise.legacy.rows import json_text

T = TypeVar("T")

_COLUMNS = (
    "ticker",
    "account_db_key",
    "timestamp",
    "state_vector_x",
    "covariance_matrix_p",
    "step_count",
    "trading_signal",
    "market_data",
    "performance_metrics",
    "created_at",
)
_JSON = frozenset({"state_vector_x", "covariance_matrix_p", "market_data", "performance_metrics"})


async def _insert(
    call: Call,
    *,
    ticker: str | None,
    account_db_key: int,
    timestamp: datetime | None,
    state_vector_x: Any,
    covariance_matrix_p: Any,
    step_count: int | None,
    trading_signal: str | None,
    market_data: object,
    performance_metrics: object,
) -> Rows:
    new = NewState(
        account_db_key=account_db_key,
        ticker=_given("p_ticker", ticker),
        timestamp=_given("p_timestamp", timestamp),
        state_vector_x=_given("p_state_vector_x", state_vector_x),
        covariance_matrix_p=_given("p_covariance_matrix_p", covariance_matrix_p),
        step_count=step_count or 0,
        trading_signal=trading_signal,
        market_data=market_data,
        performance_metrics=performance_metrics,
    )
    saved = await save(call.session, new, utc_now())
    return [{"result": "SUCCESS", "idx": saved.idx}]


async def _get_latest(call: Call, *, ticker: str | None, account_db_key: int) -> Rows:
    if ticker is None:
        return []
    latest = await KalmanStateRepository(call.session).latest(account_db_key, ticker)
    return [] if latest is None else [_row(latest)]


async def _get_history(
    call: Call,
    *,
    ticker: str | None,
    account_db_key: int,
    start_date: datetime | None,
    end_date: datetime | None,
    limit: int | None,
    offset: int | None,
) -> Rows:
    if ticker is None or start_date is None or end_date is None:
        return []
    states = await KalmanStateRepository(call.session).history(
        in_period(account_db_key, ticker, start_date, end_date),
        skip=max(offset or 0, 0),
        limit=None if limit is None or limit < 0 else limit,
    )
    return [{"idx": state.idx} | _row(state) for state in states]


def _row(state: KalmanState) -> Row:
    return {
        name: json_text(getattr(state, name)) if name in _JSON else getattr(state, name) for name in _COLUMNS
    }


def _given(name: str, value: T | None) -> T:
    if value is None:
        raise InvalidValueError(name, "it must not be NULL")
    return value


def _second(name: str) -> Parameter:
    """Return a moment of whole seconds; the rest is cut off, as the old server did."""
    exact = moment(name)

    def accept(called: str, given: Any) -> datetime:
        found: datetime = exact.accept(called, given)
        return found.replace(microsecond=0)

    return replace(exact, type="dt", accept=accept)


_TICKER = text("ticker", 20)
_ACCOUNT = u64("account_db_key")

PROCEDURES: tuple[Procedure, ...] = (
    Procedure(
        name="fp_kalman_history_insert",
        scope=Scope.SHARD,
        signatures=(
            (
                _TICKER,
                _ACCOUNT,
                moment("timestamp"),
                json_document("state_vector_x"),
                json_document("covariance_matrix_p"),
                i32("step_count"),
                text("trading_signal", 20),
                json_document("market_data"),
                json_document("performance_metrics"),
            ),
        ),
        results=(("result", "idx"),),
        run=_insert,
    ),
    Procedure(
        name="fp_kalman_latest_state_get",
        scope=Scope.SHARD,
        signatures=((_TICKER, _ACCOUNT),),
        results=(_COLUMNS,),
        run=_get_latest,
        writes=False,
    ),
    Procedure(
        name="fp_kalman_history_get",
        scope=Scope.SHARD,
        signatures=(
            (
                _TICKER,
                _ACCOUNT,
                _second("start_date"),
                _second("end_date"),
                i32("limit"),
                i32("offset"),
            ),
        ),
        results=(("idx", *_COLUMNS),),
        run=_get_history,
        writes=False,
    ),
)
