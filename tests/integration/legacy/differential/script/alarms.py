"""Alarms on symbols (2.31–2.34, 2.36, 2.37, 2.42), the same on either shard."""

from decimal import Decimal
from typing import Any

from differential.matching import NOW, TEXT, Kept
from differential.steps import NO_ACCOUNT, OK, WRONG_SHARD, Database, Row, Step, numbers

UNKNOWN = 999_999
REGISTERED = numbers(0, "Alert registered successfully")
NOT_FOUND = numbers(1002, "Alert not found")
DELETED = numbers(0, "Alert has been deleted")
SYMBOL_NEEDED = numbers(1, "symbol parameter is required")
FAILED = numbers(1, TEXT)
NO_TOGGLE = numbers(1002, "Alert not found", new_status=0)


def taken(symbol: str) -> Row:
    """Return the row of 2.31 that says that there is such an alarm."""
    return numbers(1062, f"{symbol} alert is already registered")


def toggled(active: int) -> Row:
    """Return the row of 2.33, in shard 1's words on both shards."""
    return numbers(0, "Alert has been " + ("activated" if active else "deactivated"), new_status=active)


def listed(
    alarm_id: str, symbol: str, *rest: Any, active: int = 1, rates: tuple[int, str, str] = (0, "0.00", "0.00")
) -> Row:
    """Return a row of 2.32."""
    company, price, exchange, currency, note = rest or (None,) * 5
    return {
        "alarm_id": alarm_id,
        "symbol": symbol,
        "company_name": company,
        "current_price": price,
        "exchange": exchange,
        "currency": currency,
        "note": note,
        "is_active": active,
        "created_at": NOW,
        "signal_count": rates[0],
        "win_rate": Decimal(rates[1]),
        "profit_rate": Decimal(rates[2]),
    }


def watched(alarm_id: str, key: Kept, symbol: str, *rest: Any) -> Row:
    """Return a row of 2.36 and 2.37."""
    company, price, exchange, currency = rest or (None,) * 4
    return {
        "alarm_id": alarm_id,
        "account_db_key": key,
        "symbol": symbol,
        "company_name": company,
        "current_price": price,
        "exchange": exchange,
        "currency": currency,
        "created_at": NOW,
    }


APPLE = ('Apple\'s "Inc."', Decimal("187.500000"), "NASDAQ", "USD")


def steps(shard: int) -> list[Step]:
    """Return the room's script for one shard; it leaves the alarms `alarm-S-apple` and `alarm-S-other`."""
    call = Database(shard).call
    owner, other, stranger = Kept(f"owner{shard}"), Kept(f"other{shard}"), Kept(f"owner{3 - shard}")
    apple, micro, foreign, again = (f"alarm-{shard}-{name}" for name in ("apple", "micro", "other", "again"))
    drifted = "D17" if shard == 2 else None

    def create(alarm_id: str | None, key: Any, symbol: str | None, *rest: Any, **more: Any) -> Step:
        return call("fp_signal_alarm_create", alarm_id, key, symbol, *(rest or (None,) * 5), **more)

    def toggle(alarm_id: str, key: Any, **more: Any) -> Step:
        return call("fp_signal_alarm_toggle", alarm_id, key, **more)

    def drop(alarm_id: str, key: Any, **more: Any) -> Step:
        return call("fp_signal_alarm_soft_delete", alarm_id, key, **more)

    def stats(key: Any, *gives: Row, **more: Any) -> Step:
        return call("fp_signal_alarms_get_with_stats", key, gives=gives, **more)

    def of(symbol: str | None, *gives: Row, **more: Any) -> Step:
        return call("fp_signal_alarms_get_by_symbol", symbol, gives=gives, **more)

    apple_row = listed(apple, "AAPL", *APPLE, "it's mine")
    creating = [
        stats(owner),
        create(
            apple, owner, "AAPL", APPLE[0], "187.5", *APPLE[2:], "it's mine", gives=REGISTERED, mends="D12"
        ),
        create(micro, owner, "MSFT", gives=REGISTERED),
        create("x", owner, "AAPL", gives=taken("AAPL"), mends="D12"),
        create(foreign, other, "AAPL", gives=REGISTERED),
        call("fp_signal_alarm_insert", "x", other, "AAPL", None, None, None, None, None, gives=taken("AAPL")),
        create("x", owner, None, gives=FAILED, logged=True, mends="D1"),
        create(None, owner, "NVDA", gives=FAILED, logged=True, mends="D1"),
        # A taken id is a failure, not a taken symbol.
        create(apple, owner, "NVDA", gives=FAILED, logged=True, mends="D12"),
        create("x", UNKNOWN, "NVDA", fails=NO_ACCOUNT, mends="D21"),
        create("x", stranger, "NVDA", fails=WRONG_SHARD, mends="D21"),
        create("x", owner, "x\\' OR 1=1 -- ", gives=REGISTERED, mends="D5"),
        drop("x", owner, gives=DELETED),
    ]
    reading = [
        stats(owner, listed(micro, "MSFT"), apple_row),
        stats(other, listed(foreign, "AAPL")),
        stats(UNKNOWN),
        call("fp_signal_alarms_get_with_stats", stranger, fails=WRONG_SHARD, mends="D21"),
        call(
            "fp_signal_alarms_get_active",
            gives=[
                OK,
                watched(apple, owner, "AAPL", *APPLE),
                watched(micro, owner, "MSFT"),
                watched(foreign, other, "AAPL"),
            ],
            mends=drifted,
        ),
        of("AAPL", OK, watched(apple, owner, "AAPL", *APPLE), watched(foreign, other, "AAPL"), mends="D17"),
        of("NVDA", OK, mends="D17"),
        of("AAPL\\' OR 1=1 -- ", OK, mends="D5"),
        of(None, SYMBOL_NEEDED),
        of("", SYMBOL_NEEDED),
        call(
            "fp_signal_symbols_get_active",
            gives=[
                OK,
                {"symbol": "AAPL", "exchange": None},
                {"symbol": "AAPL", "exchange": "NASDAQ"},
                {"symbol": "MSFT", "exchange": None},
            ],
        ),
    ]
    toggling = [
        toggle(micro, owner, gives=toggled(0), mends=drifted),
        of("MSFT", OK, mends="D17"),
        stats(owner, listed(micro, "MSFT", active=0), apple_row),
        toggle(micro, owner, gives=toggled(1), mends=drifted),
        toggle(micro, other, gives=NO_TOGGLE, mends="D7"),
        toggle("no-alarm", owner, gives=NO_TOGGLE, mends="D7"),
        toggle(micro, UNKNOWN, fails=NO_ACCOUNT, mends="D21"),
        toggle(micro, stranger, fails=WRONG_SHARD, mends="D21"),
        call("fp_signal_alarm_update", micro, owner, gives=toggled(0)),
        call("fp_signal_symbols_get_active", gives=[OK, *_AAPL_TWICE]),
        call("fp_signal_alarm_update", micro, owner, gives=toggled(1)),
    ]
    deleting = [
        drop(micro, other, gives=NOT_FOUND),
        drop("no-alarm", owner, gives=NOT_FOUND),
        drop(micro, UNKNOWN, fails=NO_ACCOUNT, mends="D21"),
        drop(micro, stranger, fails=WRONG_SHARD, mends="D21"),
        drop(micro, owner, gives=DELETED),
        drop(micro, owner, gives=NOT_FOUND),
        toggle(micro, owner, gives=NO_TOGGLE),
        stats(owner, apple_row),
        create(again, owner, "MSFT", gives=REGISTERED),
        stats(owner, listed(again, "MSFT"), apple_row),
        drop(again, owner, gives=DELETED),
        call("fp_signal_symbols_get_active", gives=[OK, *_AAPL_TWICE]),
    ]
    return [*creating, *reading, *toggling, *deleting]


_AAPL_TWICE = [{"symbol": "AAPL", "exchange": None}, {"symbol": "AAPL", "exchange": "NASDAQ"}]
