"""The old procedures for alarms and signals."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError, UnknownAccountError
from shardwise.finance.signals.models import Signal
from shardwise.legacy.calling import call_registered
from shardwise.legacy.procedure import Procedure, Rows
from shardwise.legacy.procedures.signals import PROCEDURES
from shardwise.schema.control import ErrorLog, ShardMapping
from shardwise.testing.counting import count_statements

BY_NAME: dict[str, Procedure] = {procedure.name: procedure for procedure in PROCEDURES}
SUCCESS = {"ErrorCode": 0, "ErrorMessage": "SUCCESS"}
NO_ALARM = {"ErrorCode": 1002, "ErrorMessage": "Alert not found"}
KEY, OTHER = 7001, 7003
CRAFTED = [
    "x' OR '1'='1",
    'x" OR "1"="1',
    "x\\' OR 1=1 -- ",
    "x'; DROP TABLE table_signal_alarms; -- ",
    "%",
    "\\",
]


class Old:
    """Calls procedures as old programs do, on the shard of the account `KEY`."""

    def __init__(self, db: ShardedDatabase, shard_id: int) -> None:
        self.db = db
        self.shard_id = shard_id

    async def call(self, name: str, *given: Any) -> Rows:
        return await call_registered(self.db, BY_NAME[name], given, shard_id=self.shard_id)

    async def create(self, alarm_id: str, symbol: str | None, key: int = KEY, **more: Any) -> dict[str, Any]:
        texts = ("company_name", "current_price", "exchange", "currency", "note")
        given = [more.get(name) for name in texts]
        (row,) = await self.call("fp_signal_alarm_create", alarm_id, key, symbol, *given)
        return row

    async def save(self, *given: Any) -> dict[str, Any]:
        (row,) = await self.call("fp_signal_history_save", *given)
        return row

    async def history(self, *filters: Any, limit: int | None = None) -> Rows:
        given = (*filters, None, None, None)[:3]
        first, *rest = await self.call("fp_signal_history_get", KEY, *given, limit)
        assert first == SUCCESS
        return rest

    async def log(self) -> Sequence[str]:
        async with self.db.shard_session(self.shard_id, read_only=True) as session:
            return (await session.scalars(select(ErrorLog.procedure_name))).all()


@pytest.fixture
async def old(db: ShardedDatabase) -> Old:
    """Two accounts that live on one shard."""
    home = (await db.place_account(KEY)).shard_id
    await db.place_account(OTHER)
    async with db.global_session() as session:
        this = update(ShardMapping).where(ShardMapping.account_db_key == OTHER)
        await session.execute(this.values(shard_id=home))
    db.directory.invalidate(OTHER)
    return Old(db, home)


async def test_columns_are_those_of_old(old: Old) -> None:
    await old.create("a", "AAPL")
    await old.save("s", "a", "BUY", 100)
    for name, given in (
        ("fp_signal_alarms_get_with_stats", (KEY,)),
        ("fp_signal_history_get", (KEY, None, None, None, 5)),
        ("fp_signal_alarms_get_active", ()),
        ("fp_signal_alarms_get_by_symbol", ("AAPL",)),
        ("fp_signal_get_pending_evaluation", (datetime.now(UTC).date(),)),
        ("fp_signal_statistics_get", (KEY,)),
        ("fp_signal_symbols_get_active", ()),
    ):
        with count_statements(old.db) as statements:
            rows = await old.call(name, *given)
        assert len([each for each in statements if "table_signal" in each]) == 1, name
        results = BY_NAME[name].results
        assert [tuple(row) for row in rows] == list(results), name


async def test_an_alarm_is_registered_once_a_symbol(old: Old) -> None:
    created = {"ErrorCode": 0, "ErrorMessage": "Alert registered successfully"}
    assert await old.create("a", "AAPL", current_price="12.5", note="n") == created
    taken = {"ErrorCode": 1062, "ErrorMessage": "AAPL alert is already registered"}
    assert await old.create("b", "AAPL") == taken
    assert await old.create("a", "AAPL") == taken
    assert await old.create("c", "AAPL", OTHER) == created
    (again,) = await old.call("fp_signal_alarm_soft_delete", "a", KEY)
    assert again == {"ErrorCode": 0, "ErrorMessage": "Alert has been deleted"}
    assert await old.create("b", "AAPL") == created
    assert await old.log() == []  # no traces


async def test_what_fails_is_a_row(old: Old) -> None:
    await old.create("a", "AAPL")
    assert (await old.create("a", "MSFT"))["ErrorCode"] == 1
    assert (await old.create("b", None))["ErrorCode"] == 1
    assert len(await old.log()) == 2
    with pytest.raises(InvalidValueError):
        await old.create("b", "x" * 51)
    with pytest.raises(UnknownAccountError):
        await old.create("b", "MSFT", 999_999)


async def test_toggling_and_deleting(old: Old) -> None:
    await old.create("a", "AAPL")
    gone = NO_ALARM | {"new_status": 0}
    for state, text in ((0, "Alert has been deactivated"), (1, "Alert has been activated")):
        (row,) = await old.call("fp_signal_alarm_update", "a", KEY)
        assert row == {"ErrorCode": 0, "ErrorMessage": text, "new_status": state}
    for name, key in (("b", KEY), ("a", OTHER), (None, KEY), *((crafted, KEY) for crafted in CRAFTED)):
        assert await old.call("fp_signal_alarm_toggle", name, key) == [gone]
        assert await old.call("fp_signal_alarm_soft_delete", name, key) == [NO_ALARM]
    assert (await old.call("fp_signal_alarm_soft_delete", "a", KEY))[0]["ErrorCode"] == 0
    assert await old.call("fp_signal_alarm_toggle", "a", KEY) == [gone]


async def test_signals_are_saved_with_seven_parameters_and_with_four(old: Old) -> None:
    await old.create("a", "AAPL")
    saved = {"ErrorCode": 0, "ErrorMessage": "Signal has been saved"}
    assert await old.save("s1", "a", KEY, "AAPL", "SELL", "100.5", 7) == saved
    assert await old.save("s2", "a", "STRONG_SELL", None) == saved
    assert await old.save("s3", "a", "HOLD", 1) == saved
    rows = {row["signal_id"]: row for row in await old.history()}
    assert (rows["s1"]["signal_price"], rows["s1"]["volume"]) == (Decimal("100.500000"), 7)
    assert (rows["s2"]["symbol"], rows["s2"]["signal_type"], rows["s2"]["volume"]) == (
        "AAPL",
        "STRONG_SELL",
        0,
    )
    assert rows["s3"]["signal_type"] == "HOLD"
    for given in (
        ("s4", "b", "BUY", 1),
        ("s4", None, "BUY", 1),
        ("s4", "b", KEY, "AAPL", "BUY", 1, 1),
        ("s4", "a", OTHER, "AAPL", "BUY", 1, 1),
    ):
        assert await old.save(*given) == NO_ALARM
    assert (await old.save("s1", "a", "BUY", 1))["ErrorCode"] == 1
    assert (await old.save("s4", "a", KEY, None, "BUY", 1, 1))["ErrorCode"] == 1
    assert (await old.save("s4", "a", None, 1))["ErrorCode"] == 1
    with pytest.raises(InvalidValueError):
        await old.save("s4", "a", KEY, "AAPL", "HOLD", 1, 1)
    with pytest.raises(InvalidValueError):
        await old.save("s4", "a", "BUY")
    assert len(await old.history()) == 3


async def test_history_filters_and_limits(old: Old) -> None:
    for alarm, symbol in (("a", "AAPL"), ("m", "MSFT")):
        await old.create(alarm, symbol)
        for number, word in enumerate(("BUY", "SELL")):
            await old.save(f"{alarm}{number}", alarm, word, 1)

    async def ids(*filters: Any, limit: int | None = None) -> list[str]:
        return [row["signal_id"] for row in await old.history(*filters, limit=limit)]

    assert await ids() == ["m1", "m0", "a1", "a0"]
    assert await ids("", "", "") == await ids(limit=0) == await ids(limit=-1) == await ids()
    assert await ids(limit=2) == ["m1", "m0"]
    assert await ids("a") == ["a1", "a0"]
    assert await ids(None, "msft", "buy") == ["m0"]
    for crafted in CRAFTED:
        for filters in ((crafted,), (None, crafted), (None, None, crafted[:20])):
            assert await ids(*filters) == []
    assert await old.call("fp_signal_history_get", 999_999, None, None, None, None) == [SUCCESS]


async def test_performance_is_stored_as_given_and_overwritten(old: Old) -> None:
    await old.create("a", "AAPL")
    await old.save("s", "a", "SELL", 100)
    updated = {"ErrorCode": 0, "ErrorMessage": "Signal performance has been updated"}
    for given, won in (((99, -1, 1), 1), ((None, None, None), None), (("50.5", "9999.999999", 0), 0)):
        assert await old.call("fp_signal_performance_update", "s", *given) == [updated]
        (row,) = await old.history()
        assert row["is_win"] == won
        assert row["evaluated_at"] is not None
    assert (row["price_after_1d"], row["profit_rate"]) == (Decimal("50.5"), Decimal("9999.999999"))
    gone = [{"ErrorCode": 1002, "ErrorMessage": "Signal not found"}]
    for name in ("t", None, *CRAFTED):
        assert await old.call("fp_signal_performance_evaluate", name, 1, 1, 1) == gone
    async with old.db.session(KEY) as session:
        await session.execute(update(Signal).where(Signal.account_db_key == KEY).values(is_deleted=True))
    assert await old.call("fp_signal_performance_update", "s", 1, 1, 1) == gone


async def test_figures_of_alarms_and_of_the_account(old: Old) -> None:
    none = dict.fromkeys(BY_NAME["fp_signal_statistics_get"].results[1], 0)
    assert await old.call("fp_user_signal_statistics", KEY) == [SUCCESS, none]
    await old.create("a", "AAPL", current_price=5)
    for number, word in enumerate(("BUY", "SELL", "STRONG_BUY", "STRONG_SELL")):
        await old.save(f"s{number}", "a", word, 100)
    for name, rate, won in (("s0", 2, 1), ("s1", "-0.5", 0), ("s2", "1.005", 1)):
        await old.call("fp_signal_performance_update", name, 1, rate, won)
    _, row = await old.call("fp_signal_statistics_get", KEY)
    assert row == {
        "total_alarms": 1,
        "active_alarms": 1,
        "total_signals": 4,
        "buy_signals": 2,
        "sell_signals": 2,
        "evaluated_signals": 3,
        "win_signals": 2,
        "overall_win_rate": Decimal("66.67"),
        "overall_profit_rate": Decimal("0.84"),
    }
    (alarm,) = await old.call("fp_signal_alarms_get_with_stats", KEY)
    assert (alarm["signal_count"], alarm["win_rate"]) == (3, Decimal("66.67"))
    assert (alarm["profit_rate"], alarm["current_price"]) == (Decimal("0.84"), Decimal(5))
    assert alarm["is_active"] == 1
    assert await old.call("fp_signal_alarms_get_with_stats", OTHER) == []
    assert await old.call("fp_signal_alarms_get_with_stats", 999_999) == []


async def test_what_waits_for_a_day(old: Old) -> None:
    await old.create("a", "AAPL")
    day = date(2026, 3, 10)
    moments = {
        "before": datetime(2026, 3, 9, 23, 59, 59, 999999, tzinfo=UTC),
        "first": datetime(2026, 3, 10, tzinfo=UTC),
        "last": datetime(2026, 3, 10, 23, 59, 59, 999999, tzinfo=UTC),
        "after": datetime(2026, 3, 11, tzinfo=UTC),
    }
    for name, moment in moments.items():
        await old.save(name, "a", "BUY", 1)
        async with old.db.session(KEY) as session:
            this = update(Signal).where(Signal.account_db_key == KEY, Signal.signal_id == name)
            await session.execute(this.values(triggered_at=moment))
    first, *rows = await old.call("fp_signal_get_pending_evaluation", day)
    assert first == SUCCESS
    assert [(row["signal_id"], row["account_db_key"]) for row in rows] == [("first", KEY), ("last", KEY)]
    await old.call("fp_signal_performance_update", "first", None, None, None)
    assert len(await old.call("fp_signal_get_pending_evaluation", "2026-03-10")) == 2
    assert await old.call("fp_signal_get_pending_evaluation", "9999-12-31") == [SUCCESS]
    required = {"ErrorCode": 1, "ErrorMessage": "evaluation_date parameter is required"}
    assert await old.call("fp_signal_get_pending_evaluation", None) == [required]


async def test_alarms_and_symbols_of_everybody(old: Old) -> None:
    await old.create("a", "MSFT", exchange="NASDAQ")
    await old.create("b", "MSFT", OTHER)
    await old.create("c", "AAPL", OTHER)
    await old.create("off", "OFF")
    await old.call("fp_signal_alarm_toggle", "off", KEY)
    _, *active = await old.call("fp_signal_alarms_get_active")
    assert [(row["alarm_id"], row["account_db_key"]) for row in active] == [
        ("a", KEY),
        ("b", OTHER),
        ("c", OTHER),
    ]
    _, *found = await old.call("fp_signal_alarms_get_by_symbol", "msft")
    assert [row["alarm_id"] for row in found] == ["a", "b"]
    _, *symbols = await old.call("fp_signal_symbols_get_active")
    assert [tuple(row.values()) for row in symbols] == [("AAPL", None), ("MSFT", None), ("MSFT", "NASDAQ")]
    for crafted in CRAFTED:
        assert await old.call("fp_signal_alarms_get_by_symbol", crafted) == [SUCCESS]
    required = {"ErrorCode": 1, "ErrorMessage": "symbol parameter is required"}
    for missing in (None, ""):
        assert await old.call("fp_signal_alarms_get_by_symbol", missing) == [required]
