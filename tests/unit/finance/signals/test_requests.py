from decimal import Decimal
from typing import Any

import pytest

from shardwise.errors import InvalidValueError
from shardwise.finance.signals.requests import NewAlarm, NewSignal

from .conftest import NOON


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"symbol": ""}, "symbol"),
        ({"symbol": "A" * 51}, "symbol"),
        ({"symbol": "A B"}, "symbol"),
        ({"symbol": "Ä"}, "symbol"),
        ({"symbol": None}, "symbol"),
        ({"alarm_id": ""}, "alarm_id"),
        ({"alarm_id": "a" * 129}, "alarm_id"),
        ({"company_name": "c" * 201}, "company_name"),
        ({"exchange": "e" * 51}, "exchange"),
        ({"currency": "c" * 11}, "currency"),
        ({"note": "n" * 501}, "note"),
        ({"note": 1}, "note"),
        ({"current_price": Decimal(0)}, "current_price"),
        ({"current_price": 1.5}, "current_price"),
        ({"current_price": Decimal("0.0000001")}, "current_price"),
        ({"current_price": Decimal(10) ** 13}, "current_price"),
    ],
)
def test_an_alarm_that_can_not_be_accepted(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        NewAlarm(**{"account_db_key": 1, "symbol": "AAPL"} | fields).check()
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"signal_type": "HOLD"}, "signal_type"),
        ({"signal_type": "buy"}, "signal_type"),
        ({"signal_type": None}, "signal_type"),
        ({"signal_price": Decimal(0)}, "signal_price"),
        ({"signal_price": 1.0}, "signal_price"),
        ({"volume": -1}, "volume"),
        ({"volume": 2**63}, "volume"),
        ({"volume": True}, "volume"),
        ({"symbol": "a b"}, "symbol"),
        ({"signal_id": "s" * 129}, "signal_id"),
        ({"triggered_at": NOON.replace(tzinfo=None)}, "triggered_at"),
    ],
)
def test_a_signal_that_can_not_be_accepted(fields: dict[str, Any], field: str) -> None:
    given = {"account_db_key": 1, "alarm_id": "a", "signal_type": "BUY", "signal_price": None}
    with pytest.raises(InvalidValueError) as refused:
        NewSignal(**given | fields).check()
    assert refused.value.field == field


def test_the_longest_values_are_accepted() -> None:
    NewAlarm(
        account_db_key=1,
        symbol="A" * 50,
        alarm_id="a" * 128,
        company_name="\U0001f680" * 200,
        exchange="e" * 50,
        currency="c" * 10,
        note="n\n" * 250,
        current_price=Decimal("9999999999999.999999"),
    ).check()
    NewSignal(
        account_db_key=1,
        alarm_id="a",
        signal_type="STRONG_SELL",
        signal_price=Decimal("0.000001"),
        volume=2**63 - 1,
        signal_id="s" * 128,
        triggered_at=NOON,
    ).check()
