from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import SignUp
from shardwise.finance.signals.fleet_service import SignalFleet
from shardwise.finance.signals.requests import NewAlarm, NewSignal
from shardwise.finance.signals.service import SignalService
from shardwise.finance.signals.values import Alarm, RecordedSignal

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)

SetAlarm = Callable[..., Awaitable[Alarm]]
Record = Callable[..., Awaitable[RecordedSignal]]


@pytest.fixture
def signals(db: ShardedDatabase) -> SignalService:
    return SignalService(db)


@pytest.fixture
def fleet(db: ShardedDatabase) -> SignalFleet:
    return SignalFleet(db)


@pytest.fixture
async def neighbour(db: ShardedDatabase, identity: IdentityService, account: int) -> int:
    """The key of another account on another shard than `account`."""
    home = (await db.where(account)).shard_id
    for number in range(20):
        request = SignUp(account_id=f"neighbour{number}", password="secret", nickname="Neighbour")
        signed_up = await identity.sign_up(request)
        if signed_up.shard_id != home:
            return signed_up.account_db_key
    raise AssertionError("all accounts were placed on one shard")


@pytest.fixture
def set_alarm(signals: SignalService, account: int) -> SetAlarm:
    async def make(symbol: str = "AAPL", **fields: Any) -> Alarm:
        return await signals.create_alarm(NewAlarm(**{"account_db_key": account, "symbol": symbol} | fields))

    return make


@pytest.fixture
def record(signals: SignalService, account: int) -> Record:
    async def make(
        alarm: Alarm, word: str = "BUY", price: str | None = "100", **fields: Any
    ) -> RecordedSignal:
        given: dict[str, Any] = {
            "account_db_key": alarm.account_db_key,
            "alarm_id": alarm.alarm_id,
            "signal_type": word,
            "signal_price": None if price is None else Decimal(price),
            "triggered_at": NOON,
        }
        return await signals.record(NewSignal(**given | fields))

    return make
