"""What the demo's investors are going to do."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest

from shardwise.cli.demo.plan import Act, Investor, make_plan
from shardwise.cli.demo.prices import Close, prices_file, read_closes

CLOSES = read_closes(prices_file())
PLAN = make_plan(CLOSES, 60)


def test_same_input_gives_the_same_plan() -> None:
    assert make_plan(CLOSES, 60) == PLAN


def test_names_and_transaction_ids_are_unique() -> None:
    assert len({investor.name for investor in PLAN}) == 60
    for investor in PLAN:
        assert len({step.transaction_id for step in investor.steps}) == len(investor.steps)


def test_prices_are_the_closes_of_their_day() -> None:
    known = {(asset, close.day): close.price for asset, days in CLOSES.items() for close in days}
    trades = [step for investor in PLAN for step in investor.steps if step.asset]
    assert len(trades) > 200
    for step in trades:
        assert known[step.asset, step.day] == step.price


def test_every_act_and_asset_occurs() -> None:
    steps = [step for investor in PLAN for step in investor.steps]
    assert {step.act for step in steps} == set(Act)
    assert {step.asset for step in steps} - {""} == set(CLOSES)


@pytest.mark.parametrize("investor", PLAN, ids=lambda investor: investor.name)
def test_nobody_spends_or_sells_what_they_do_not_have(investor: Investor) -> None:
    money, held = Decimal(0), Counter[str]()
    day = date.min
    for step in investor.steps:
        assert step.day >= day
        day = step.day
        value = step.amount or step.quantity * step.price
        money += value if step.act in (Act.DEPOSIT, Act.SELL) else -value
        assert money >= 1
        if step.asset:
            assert step.quantity >= Decimal("0.000001")
            held[step.asset] += step.quantity if step.act is Act.BUY else -step.quantity  # type: ignore[assignment]
            assert held[step.asset] >= 0


def test_every_tenth_sells_all_of_an_asset() -> None:
    for number in (9, 19, 29):
        steps = PLAN[number].steps
        first = next(step.asset for step in steps if step.asset)
        bought = sum(step.quantity for step in steps if step.asset == first and step.act is Act.BUY)
        assert bought == sum(step.quantity for step in steps if step.asset == first and step.act is Act.SELL)


def test_short_series_of_one_asset_will_do() -> None:
    days = tuple(Close(day=date(2020, 1, 1) + timedelta(n), price=Decimal(5 + n)) for n in range(3))
    plan = make_plan({"ONE": days}, 12)
    assert {step.asset for investor in plan for step in investor.steps} == {"", "ONE"}
