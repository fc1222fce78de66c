import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError, UnknownAccountError
from shardwise.finance.kalman.models import KalmanState
from shardwise.finance.kalman.service import KalmanService
from shardwise.finance.kalman.values import NewState
from shardwise.testing.counting import count_statements

NOON = datetime(2026, 3, 10, 12, 0, 0, 123456, tzinfo=UTC)
VECTOR = [0.1, -2, 1e300, 5e-324, 0.30000000000000004]
MATRIX = [[1 / 3 if i == j else 1e-17 for j in range(5)] for i in range(5)]


@pytest.fixture
def kalman(db: ShardedDatabase) -> KalmanService:
    return KalmanService(db)


@pytest.fixture
def new(account: int) -> Callable[..., NewState]:
    def make(**fields: Any) -> NewState:
        given = {
            "account_db_key": account,
            "ticker": "BTC-USD",
            "timestamp": NOON,
            "state_vector_x": VECTOR,
            "covariance_matrix_p": MATRIX,
        }
        return NewState(**given | fields)

    return make


async def test_numbers_come_back_exactly(kalman: KalmanService, account: int, new: Any) -> None:
    more = {
        "step_count": 7,
        "trading_signal": "BUY",
        "market_data": {"close": 0.1, "emoji": "\U0001f680"},
        "performance_metrics": [None, True],
    }
    saved = await kalman.save(new(**more))
    read = await kalman.latest(account, "BTC-USD")
    assert read == saved
    assert saved.state_vector_x == tuple(VECTOR)
    assert saved.covariance_matrix_p == tuple(map(tuple, MATRIX))
    assert all(type(number) is float for number in read.state_vector_x)
    assert {name: getattr(saved, name) for name in more} == more
    assert saved.timestamp == NOON


async def test_the_text_of_the_json_is_what_was_given(
    db: ShardedDatabase, kalman: KalmanService, account: int, new: Any
) -> None:
    await kalman.save(new())
    async with db.session(account, read_only=True) as session:
        stored = await session.scalar(text("SELECT state_vector_x FROM table_kalman_history"))
    assert stored == json.dumps(VECTOR)


async def test_the_latest_is_by_its_moment_and_then_by_when_it_was_saved(
    kalman: KalmanService, account: int, new: Any
) -> None:
    assert await kalman.latest(account, "BTC-USD") is None
    for step, hours in enumerate((1, 2, 2, 0)):
        await kalman.save(new(step_count=step, timestamp=NOON + timedelta(hours=hours)))
    await kalman.save(new(ticker="ETH-USD", step_count=9, timestamp=NOON + timedelta(days=1)))
    latest = await kalman.latest(account, "BTC-USD")
    assert latest is not None
    assert latest.step_count == 2


async def test_a_period_comes_in_pages_oldest_first_with_both_ends(
    kalman: KalmanService, account: int, new: Any
) -> None:
    for step in range(7):
        await kalman.save(new(step_count=step, timestamp=NOON + timedelta(hours=step // 2)))
    await kalman.save(new(ticker="ETH-USD"))
    period = {"start": NOON, "end": NOON + timedelta(hours=2)}
    seen: list[int] = []
    after = None
    while True:
        page = await kalman.history(account, "BTC-USD", **period, after=after, limit=2)
        seen += [state.step_count for state in page.items]
        if page.next_cursor is None:
            break
        after = page.next_cursor
    assert seen == [0, 1, 2, 3, 4, 5]
    just_before = NOON + timedelta(hours=1) - timedelta(microseconds=1)
    assert len((await kalman.history(account, "BTC-USD", start=NOON, end=just_before)).items) == 2


async def test_each_operation_takes_one_statement(
    db: ShardedDatabase, kalman: KalmanService, account: int, new: Any
) -> None:
    await kalman.save(new())
    for work in (
        kalman.save(new()),
        kalman.latest(account, "BTC-USD"),
        kalman.history(account, "BTC-USD", start=NOON, end=NOON, limit=1),
    ):
        with count_statements(db) as sent:
            await work
        assert len(sent) == 1


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_the_latest_is_read_from_the_index(
    db: ShardedDatabase, kalman: KalmanService, account: int, new: Any
) -> None:
    row = {"account_db_key": account, "state_vector_x": VECTOR, "covariance_matrix_p": MATRIX}
    async with db.session(account) as session:
        await session.execute(
            KalmanState.__table__.insert(),
            [
                row | {"ticker": f"T{number % 20}", "timestamp": NOON + timedelta(minutes=number)}
                for number in range(2000)
            ],
        )
        await session.execute(text("ANALYZE TABLE table_kalman_history"))
    with count_statements(db) as sent:
        await kalman.latest(account, "T7")
    (statement,) = sent
    literal = statement.replace("%s", "{}").format(account, account, "'T7'", 1)
    async with db.session(account, read_only=True) as session:
        (plan,) = (await session.execute(text(f"EXPLAIN {literal}"))).mappings()
    assert plan["key"] == "idx_kalman_latest"
    assert "filesort" not in plan["Extra"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ticker", ""),
        ("ticker", "x" * 21),
        ("ticker", "a b"),
        ("timestamp", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("timestamp", "2026-01-01"),
        ("state_vector_x", [1, 2, 3, 4]),
        ("state_vector_x[4]", [1, 2, 3, 4, float("nan")]),
        ("covariance_matrix_p", [[1] * 5]),
        ("covariance_matrix_p[0][0]", [[-1] * 5] * 5),
        ("step_count", -1),
        ("step_count", 2**31),
        ("step_count", True),
        ("trading_signal", "x" * 21),
        ("market_data", {1: 2}),
        ("performance_metrics.a", {"a": float("inf")}),
    ],
)
def test_what_can_not_be_accepted_is_named(field: str, value: object) -> None:
    fields: dict[str, Any] = {
        "account_db_key": 1,
        "ticker": "T",
        "timestamp": NOON,
        "state_vector_x": VECTOR,
        "covariance_matrix_p": MATRIX,
    }
    NewState(**fields).check()
    name = field.partition("[")[0].partition(".")[0]
    with pytest.raises(InvalidValueError) as refused:
        NewState(**fields | {name: value}).check()
    assert refused.value.field == field


async def test_nothing_is_sent_for_what_can_not_be_accepted(
    db: ShardedDatabase, kalman: KalmanService, account: int, new: Any
) -> None:
    later = NOON + timedelta(seconds=1)
    with count_statements(db) as sent:
        for work in (
            kalman.save(new(step_count=-1)),
            kalman.latest(account, ""),
            kalman.history(account, "T", start=later, end=NOON),
            kalman.history(account, "T", start=NOON.replace(tzinfo=None), end=NOON),
        ):
            with pytest.raises(InvalidValueError):
                await work
    assert sent == []
    with pytest.raises(InvalidValueError, match="limit"):
        await kalman.history(account, "T", start=NOON, end=NOON, limit=1001)
    with pytest.raises(UnknownAccountError, match="4711"):
        await kalman.save(new(account_db_key=4711))


async def test_an_old_row_of_another_shape_is_named(
    db: ShardedDatabase, kalman: KalmanService, account: int, new: Any
) -> None:
    saved = await kalman.save(new())
    async with db.session(account) as session:
        await session.execute(
            update(KalmanState)
            .where(KalmanState.account_db_key == account)
            .values(covariance_matrix_p=[[1, 2], [3, 4]])
        )
    with pytest.raises(InvalidValueError, match=rf"^KalmanState\({account}, {saved.idx}\)\.covariance"):
        await kalman.latest(account, "BTC-USD")
