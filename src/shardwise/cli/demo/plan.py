"""What every investor of the demo does, worked out from the closes before anything is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from shardwise.cli.demo.prices import Close

_MONTH = 21  # trading days
_MONTHS = 2
_CENT = Decimal("0.01")
_SMALLEST_QUANTITY = Decimal("0.000001")


class Act(StrEnum):
    """What an investor does with money."""

    DEPOSIT = "deposit"
    BUY = "buy"
    SELL = "sell"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that an investor does.

    Attributes:
        act: what.
        day: the trading day.
        transaction_id: its id among the investor's transactions.
        amount: money, for deposits and withdrawals.
        asset: what is traded.
        quantity: how much of it.
        price: the close of that day.
    """

    act: Act
    day: date
    transaction_id: str
    amount: Decimal = Decimal(0)
    asset: str = ""
    quantity: Decimal = Decimal(0)
    price: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Investor:
    """Somebody who signs up for the demo.

    Attributes:
        name: the name to log in with.
        password: made for this run.
        nickname: what others see.
        steps: what they do, in order.
    """

    name: str
    password: str
    nickname: str
    steps: tuple[Step, ...]


def make_plan(closes: Mapping[str, Sequence[Close]], investors: int) -> tuple[Investor, ...]:
    """Return what each investor does: a plan for savers who start on different days of the past.

    For two months they deposit and buy an asset at that day's close, once a second one too; then they sell
    a third of the first one, at the end withdraw a little, and every tenth sells all of the first one.

    Args:
        closes: the closes of at least one asset, by asset.
        investors: how many.
    """
    return tuple(_investor(number, closes) for number in range(investors))


def _investor(number: int, closes: Mapping[str, Sequence[Close]]) -> Investor:
    assets = list(closes)
    first, second = assets[number % len(assets)], assets[(number // len(assets) + 1) % len(assets)]
    days = closes[first]
    length = _MONTH * _MONTHS
    start = number * 37 % max(1, len(days) - length)
    planner = _Planner(number)
    for month in range(_MONTHS):
        close = days[min(start + month * _MONTH, len(days) - 1)]
        planner.save(close, first)
        if month == 0 and second != first:
            planner.diversify(second, _close_on(closes[second], close.day))
    planner.sell(days[min(start + length - _MONTH // 2, len(days) - 1)], first, parts=3)
    last = days[min(start + length, len(days) - 1)]
    if number % 10 == 9:
        planner.sell(last, first, parts=1)
    planner.withdraw(last, Decimal(10 + number % 7))
    name = f"investor-{number + 1:04}"
    return Investor(
        name=name, password=f"secret of {name}", nickname=f"Investor {number + 1}", steps=tuple(planner.steps)
    )


def _close_on(days: Sequence[Close], day: date) -> Close | None:
    """Return an asset's close of that day, None if it has none."""
    return next((close for close in days if close.day == day), None)


class _Planner:
    """Writes down steps and keeps count of what is held, so that nobody sells what they don't have."""

    def __init__(self, number: int) -> None:
        self.steps: list[Step] = []
        self._number = number
        self._held: dict[str, Decimal] = {}

    @property
    def _monthly(self) -> Decimal:
        return Decimal(250) + Decimal(self._number % 13) * Decimal("125.25")

    def save(self, close: Close, asset: str) -> None:
        """Deposit, and buy an asset for 60 % of it."""
        self._add(Act.DEPOSIT, close.day, amount=self._monthly)
        self._buy(asset, close, self._monthly * Decimal("0.6"))

    def diversify(self, asset: str, close: Close | None) -> None:
        """Buy another asset for 30 % of a deposit, if it was traded that day."""
        if close is not None:
            self._buy(asset, close, self._monthly * Decimal("0.3"))

    def sell(self, close: Close, asset: str, *, parts: int) -> None:
        """Sell one of so many equal parts of what is held."""
        quantity = (self._held[asset] / parts).quantize(_SMALLEST_QUANTITY, rounding=ROUND_DOWN)
        self._held[asset] -= quantity
        self._add(Act.SELL, close.day, asset=asset, quantity=quantity, price=close.price)

    def withdraw(self, close: Close, amount: Decimal) -> None:
        """Take out money."""
        self._add(Act.WITHDRAW, close.day, amount=amount.quantize(_CENT))

    def _buy(self, asset: str, close: Close, money: Decimal) -> None:
        quantity = (money / close.price).quantize(_SMALLEST_QUANTITY, rounding=ROUND_DOWN)
        self._held[asset] = self._held.get(asset, Decimal(0)) + quantity
        self._add(Act.BUY, close.day, asset=asset, quantity=quantity, price=close.price)

    def _add(self, act: Act, day: date, **what: object) -> None:
        number = f"demo-{len(self.steps) + 1:03}"
        self.steps.append(Step(act=act, day=day, transaction_id=number, **what))  # type: ignore[arg-type]
