"""The old procedures of the Kalman filters."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError, UnknownAccountError
from shardwise.legacy.calling import call_registered
from shardwise.legacy.procedure import Rows
from shardwise.legacy.registry import find_procedure
from shardwise.testing.counting import count_statements

KEY = 1000
NOON = datetime(2026, 3, 10, 12, 0, 0, 500)  # noqa: DTZ001
VECTOR = [0.1, -2, 1e300, 5e-324, 0]
MATRIX = [[float(i * 5 + j) for j in range(5)] for i in range(5)]  # not symmetric: the old one took it
COLUMNS = [
    "ticker", "account_db_key", "timestamp", "state_vector_x", "covariance_matrix_p", "step_count",
    "trading_signal", "market_data", "performance_metrics", "created_at",
]  # fmt: skip


@pytest.fixture(autouse=True)
async def shard_id(db: ShardedDatabase) -> int:
    """The shard of the account that the calls are for."""
    return (await db.place_account(KEY)).shard_id


async def call(db: ShardedDatabase, name: str, *given: Any) -> Rows:
    procedure = find_procedure(name)
    assert procedure is not None
    return await call_registered(db, procedure, given, shard_id=(await db.where(KEY)).shard_id)


async def insert(db: ShardedDatabase, **changes: Any) -> Rows:
    given = {
        "ticker": "BTC",
        "account_db_key": KEY,
        "timestamp": NOON,
        "state_vector_x": json.dumps(VECTOR),
        "covariance_matrix_p": json.dumps(MATRIX),
        "step_count": 1,
        "trading_signal": "BUY",
        "market_data": '{"close": 0.1}',
        "performance_metrics": None,
    } | changes
    return await call(db, "fp_kalman_history_insert", *given.values())


async def test_what_is_inserted_is_the_latest(db: ShardedDatabase) -> None:
    (inserted,) = await insert(db)
    assert list(inserted) == ["result", "idx"]
    assert inserted["result"] == "SUCCESS"
    with count_statements(db) as sent:
        (row,) = await call(db, "fp_kalman_latest_state_get", "BTC", KEY)
    assert len(sent) == 1
    assert list(row) == COLUMNS
    assert json.loads(row["state_vector_x"]) == VECTOR
    assert json.loads(row["covariance_matrix_p"]) == MATRIX
    assert (row["timestamp"], row["step_count"], row["trading_signal"]) == (NOON, 1, "BUY")
    assert (row["market_data"], row["performance_metrics"]) == ('{"close": 0.1}', None)
    for ticker, key in (("ETH", KEY), (None, KEY), ("BTC", 4711)):
        assert await call(db, "fp_kalman_latest_state_get", ticker, key) == []


async def test_the_newest_moment_wins_and_then_the_newest_row(db: ShardedDatabase) -> None:
    for step, hours in enumerate((1, 2, 2, 0)):
        await insert(db, step_count=step, timestamp=NOON + timedelta(hours=hours))
    (row,) = await call(db, "fp_kalman_latest_state_get", "BTC", KEY)
    assert row["step_count"] == 2


async def test_a_period_has_both_ends_and_limits(db: ShardedDatabase) -> None:
    for step in range(5):
        await insert(db, step_count=step, timestamp=NOON + timedelta(days=step))
    name, end = "fp_kalman_history_get", NOON + timedelta(days=4, seconds=1)

    async def steps(*given: Any) -> list[int]:
        return [row["step_count"] for row in await call(db, name, "BTC", KEY, *given)]

    (first, *_) = await call(db, name, "BTC", KEY, NOON, end, 2, 0)
    assert list(first) == ["idx", *COLUMNS]
    assert await steps(NOON, end, None, None) == await steps(NOON, end, -1, -1) == [0, 1, 2, 3, 4]
    assert await steps(NOON, end, 2, 1) == [1, 2]
    assert await steps(NOON, end, None, 3) == [3, 4]
    assert await steps(NOON, end, 0, 0) == []
    assert await steps("2026-03-11", date(2026, 3, 13), 9, 0) == [1, 2]  # the end is that day's midnight
    almost = timedelta(microseconds=499_500)  # bounds are whole seconds: what is beyond is cut off
    assert await steps(NOON + almost, NOON + timedelta(days=1, seconds=1) - almost, 9, 0) == [0]
    assert await steps(None, end, 9, 0) == await steps(NOON, None, 9, 0) == []
    assert await call(db, name, None, KEY, NOON, end, 9, 0) == []


async def test_a_step_count_of_null_is_zero(db: ShardedDatabase) -> None:
    await insert(db, step_count=None, trading_signal=None)
    (row,) = await call(db, "fp_kalman_latest_state_get", "BTC", KEY)
    assert (row["step_count"], row["trading_signal"]) == (0, None)


@pytest.mark.parametrize(
    ("field", "value", "refused"),
    [
        ("ticker", None, "p_ticker"),
        ("timestamp", None, "p_timestamp"),
        ("state_vector_x", None, "p_state_vector_x"),
        ("covariance_matrix_p", None, "p_covariance_matrix_p"),
        ("state_vector_x", "[1, 2, 3, 4]", "state_vector_x"),
        ("state_vector_x", "[1, 2, 3, 4, NaN]", "state_vector_x[4]"),
        ("state_vector_x", "[1, 2, 3, 4, 1e999]", "state_vector_x[4]"),
        ("state_vector_x", '{"a": 1}', "state_vector_x"),
        ("state_vector_x", "no json", "p_state_vector_x"),
        ("covariance_matrix_p", json.dumps(VECTOR), "covariance_matrix_p[0]"),
        ("market_data", '{"a": Infinity}', "market_data.a"),
    ],
)
@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_wrong_shapes_are_refused(db: ShardedDatabase, field: str, value: Any, refused: str) -> None:
    with pytest.raises(InvalidValueError) as error:
        await insert(db, **{field: value})
    assert error.value.field == refused
    assert await call(db, "fp_kalman_latest_state_get", "BTC", KEY) == []


async def test_a_state_of_an_account_without_a_home_is_refused(db: ShardedDatabase) -> None:
    with pytest.raises(UnknownAccountError):
        await insert(db, account_db_key=4711)
