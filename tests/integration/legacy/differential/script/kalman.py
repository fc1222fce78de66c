"""States of Kalman filters (2.19–2.21), the same on either shard."""

import json
from datetime import datetime
from typing import Any

from differential.matching import ID, NOW, Json, Keep, Kept
from differential.steps import FAILS, NO_ACCOUNT, WRONG_SHARD, Database, Row, Step, done

UNKNOWN = 999_999
X = [0.1, 0.2, 0.3, 0.4, 0.5]
P = [[1.0 if row == column else 0.0 for column in range(5)] for row in range(5)]
DAYS = [datetime.fromisoformat(f"2026-03-0{day}T12:30:15.250000") for day in (1, 2, 3)]


def _state(
    key: Kept, timestamp: datetime, step: int, signal: str | None, market: Any = None, **more: Any
) -> Row:
    return more | {
        "ticker": "AAPL",
        "account_db_key": key,
        "timestamp": timestamp,
        "state_vector_x": Json(X),
        "covariance_matrix_p": Json(P),
        "step_count": step,
        "trading_signal": signal,
        "market_data": market,
        "performance_metrics": None,
        "created_at": NOW,
    }


def steps(shard: int) -> list[Step]:
    """Return the room's script for one shard."""
    call = Database(shard).call
    owner, other, stranger = Kept(f"owner{shard}"), Kept(f"other{shard}"), Kept(f"owner{3 - shard}")
    x, p = json.dumps(X), json.dumps(P)
    idx = [f"kalman{shard}-{number}" for number in range(3)]
    market = {"close": 187.5, "이름": "애플"}

    def rows(*numbers: int) -> list[Row]:
        of = [(1, "BUY", None), (2, None, Json(market)), (3, "SELL", None)]
        return [_state(owner, DAYS[n], *of[n], idx=Kept(idx[n])) for n in numbers]

    def history(start: Any, end: Any, limit: Any, offset: Any, gives: list[Row]) -> Step:
        return call("fp_kalman_history_get", "AAPL", owner, start, end, limit, offset, gives=gives)

    def inserted(number: int) -> Row:
        return done(idx=Keep(idx[number], ID))

    first, second, third = DAYS
    march, april = datetime.fromisoformat("2026-03-01"), datetime.fromisoformat("2026-04-01")
    return [
        call("fp_kalman_latest_state_get", "AAPL", owner, gives=[]),
        history(march, april, 10, 0, []),
        call("fp_kalman_history_insert", "AAPL", owner, first, x, p, 1, "BUY", None, None, gives=inserted(0)),
        # The newest is the newest by its own time, whatever was written last.
        call(
            "fp_kalman_history_insert", "AAPL", owner, third, x, p, 3, "SELL", None, None, gives=inserted(2)
        ),
        call(
            "fp_kalman_history_insert",
            "AAPL",
            owner,
            second,
            x,
            p,
            2,
            None,
            json.dumps(market),
            None,
            gives=inserted(1),
        ),
        call("fp_kalman_latest_state_get", "AAPL", owner, gives=_state(owner, third, 3, "SELL")),
        call("fp_kalman_latest_state_get", "MSFT", owner, gives=[]),
        call("fp_kalman_latest_state_get", "AAPL", other, gives=[]),
        call("fp_kalman_latest_state_get", "AAPL", UNKNOWN, gives=[]),
        history(march, april, 10, 0, rows(0, 1, 2)),
        history(march, april, 2, 0, rows(0, 1)),
        history(march, april, 2, 2, rows(2)),
        history(march, april, 2, 3, []),
        history(march, april, 0, 0, []),
        history(march, april, None, 0, rows(0, 1, 2)),
        history(march, april, -1, 0, rows(0, 1, 2)),
        history(march, april, None, 1, rows(1, 2)),
        # Bounds have whole seconds, states don't: the third is a quarter of a second too late.
        history(first, third, 10, 0, rows(0, 1)),
        history(second, second, 10, 0, []),
        history(second, third.replace(second=16), 10, 0, rows(1, 2)),
        history("2026-03-02 00:00:00", "2026-03-03 00:00:00", 10, 0, rows(1)),
        history("2026-03-02", "2026-03-03", 10, 0, rows(1)),
        history(first.date(), third.date(), 10, 0, rows(0, 1)),
        history(april, march, 10, 0, []),
        history(None, april, 10, 0, []),
        history(march, None, 10, 0, []),
        call("fp_kalman_history_get", "AAPL", other, march, april, 10, 0, gives=[]),
        call("fp_kalman_history_get", "AAPL", UNKNOWN, march, april, 10, 0, gives=[]),
        call("fp_kalman_history_get", "AAPL", stranger, march, april, 10, 0, fails=WRONG_SHARD, mends="D21"),
        call(
            "fp_kalman_history_insert",
            "AAPL",
            UNKNOWN,
            first,
            x,
            p,
            1,
            None,
            None,
            None,
            fails=NO_ACCOUNT,
            mends="D21",
        ),
        call(
            "fp_kalman_history_insert",
            "AAPL",
            stranger,
            first,
            x,
            p,
            1,
            None,
            None,
            None,
            fails=WRONG_SHARD,
            mends="D21",
        ),
        call(
            "fp_kalman_history_insert", "AAPL", owner, first, "no JSON", p, 1, None, None, None, fails=FAILS
        ),
        call("fp_kalman_history_insert", "AAPL", owner, "no time", x, p, 1, None, None, None, fails=FAILS),
        # Appending is all that inserting does: the same moment may come twice.
        call(
            "fp_kalman_history_insert",
            "TWICE",
            owner,
            first,
            x,
            p,
            1,
            None,
            None,
            '{"mse": 0.5}',
            gives=done(idx=ID),
        ),
        call(
            "fp_kalman_history_insert", "TWICE", owner, first, x, p, 2, None, None, None, gives=done(idx=ID)
        ),
        call(
            "fp_kalman_latest_state_get",
            "TWICE",
            owner,
            gives=_state(owner, first, 2, None) | {"ticker": "TWICE"},
        ),
    ]
