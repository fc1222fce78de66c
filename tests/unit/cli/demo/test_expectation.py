"""The figures that the demo expects, against sums done by hand."""

from datetime import date
from decimal import Decimal

import pytest

from shardwise.cli.demo.expectation import ExpectedPosition, expect, total
from shardwise.cli.demo.plan import Act, Investor, Step

DAY = date(2001, 2, 3)


def trade(act: Act, quantity: str, price: str, asset: str = "SP500") -> Step:
    return Step(
        act=act, day=DAY, transaction_id="x", asset=asset, quantity=Decimal(quantity), price=Decimal(price)
    )


def money(act: Act, amount: str) -> Step:
    return Step(act=act, day=DAY, transaction_id="x", amount=Decimal(amount))


def investor(*steps: Step) -> Investor:
    return Investor(name="ann", password="p", nickname="Ann", steps=steps)


def test_account_by_hand() -> None:
    expected = expect(
        investor(
            money(Act.DEPOSIT, "1000.00"),
            trade(Act.BUY, "2", "100.105"),  # 200.21
            trade(Act.BUY, "1", "110.00"),  # (2 x 100.11 + 110) / 3 = 103.4067 -> 103.41
            trade(Act.SELL, "1.5", "120.00"),  # 180.00
            money(Act.WITHDRAW, "50.00"),
        )
    )
    assert expected.balance == Decimal("819.79")
    assert expected.transactions == {Act.DEPOSIT: 1, Act.BUY: 2, Act.SELL: 1, Act.WITHDRAW: 1}
    assert expected.amounts[Act.BUY] == Decimal("310.21")
    assert expected.positions == {
        "SP500": ExpectedPosition(
            quantity=Decimal("1.5"), average_cost=Decimal("103.41"), value=Decimal("180.00")
        )
    }


@pytest.mark.parametrize(
    ("quantity", "price", "cents"),
    [("0.000001", "5000", "0.01"), ("1", "0.005", "0.01"), ("1", "0.0149", "0.02"), ("3", "0.335", "1.01")],
)
def test_purchases_are_rounded_up_to_the_cent(quantity: str, price: str, cents: str) -> None:
    expected = expect(investor(money(Act.DEPOSIT, "9"), trade(Act.BUY, quantity, price)))
    assert expected.amounts[Act.BUY] == Decimal(cents)


def test_sales_are_rounded_down_to_the_cent() -> None:
    expected = expect(investor(trade(Act.BUY, "2", "3"), trade(Act.SELL, "1", "0.0199")))
    assert expected.amounts[Act.SELL] == Decimal("0.01")


def test_position_that_was_sold_whole_is_a_row_of_zeros() -> None:
    expected = expect(investor(trade(Act.BUY, "2", "3"), trade(Act.SELL, "2", "4")))
    zero = Decimal(0)
    assert expected.positions["SP500"] == ExpectedPosition(quantity=zero, average_cost=zero, value=zero)


def test_total_of_all_accounts() -> None:
    accounts = [expect(investor(money(Act.DEPOSIT, "1.10"))), expect(investor(money(Act.DEPOSIT, "2.20")))]
    assert total(accounts, Act.DEPOSIT) == Decimal("3.30")
    assert total(accounts, Act.SELL) == 0
