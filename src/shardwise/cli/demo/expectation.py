"""What the databases must hold in the end, computed from the plan alone.

Deliberately another way than the services': whole numbers and fractions, no rounding of decimals, so that
a mistake in one of them shows as a difference.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from shardwise.cli.demo.plan import Act, Investor, Step

_CENTS = 100
_MILLIONTHS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPosition:
    """What an investor must hold of an asset.

    Attributes:
        quantity: units, 6 digits after the point.
        average_cost: of one unit, in cents.
        value: at the last price that the investor traded at, in cents.
    """

    quantity: Decimal
    average_cost: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedAccount:
    """What must be stored for one investor.

    Attributes:
        balance: money left.
        transactions: rows of table_transactions by act.
        amounts: the sums of their amounts by act.
        positions: by asset, those that were sold whole included.
    """

    balance: Decimal
    transactions: Mapping[Act, int]
    amounts: Mapping[Act, Decimal]
    positions: Mapping[str, ExpectedPosition]


def expect(investor: Investor) -> ExpectedAccount:
    """Return what must be stored for an investor who has done all steps."""
    book = _Book()
    for step in investor.steps:
        book.enter(step)
    return ExpectedAccount(
        balance=_decimal(book.balance, _CENTS),
        transactions=dict(book.counts),
        amounts={act: _decimal(cents, _CENTS) for act, cents in book.cents.items()},
        positions={asset: holding.position() for asset, holding in book.holdings.items()},
    )


def total(accounts: Iterable[ExpectedAccount], act: Act) -> Decimal:
    """Return the sum of what all investors must have moved by an act."""
    return sum((account.amounts.get(act, Decimal(0)) for account in accounts), Decimal(0))


@dataclass(slots=True)
class _Holding:
    millionths: int = 0
    cost_cents: int = 0
    last_price: Fraction = Fraction(0)

    def buy(self, millionths: int, price: Fraction) -> None:
        before = Fraction(self.cost_cents, _CENTS) * self.millionths
        self.millionths += millionths
        self.cost_cents = _half_up((before + price * millionths) / self.millionths * _CENTS)
        self.last_price = price

    def sell(self, millionths: int, price: Fraction) -> None:
        self.millionths -= millionths
        self.last_price = price
        if not self.millionths:
            self.cost_cents = 0

    def position(self) -> ExpectedPosition:
        return ExpectedPosition(
            quantity=_decimal(self.millionths, _MILLIONTHS),
            average_cost=_decimal(self.cost_cents, _CENTS),
            value=_decimal(_half_up(self.last_price * self.millionths * _CENTS / _MILLIONTHS), _CENTS),
        )


@dataclass(slots=True)
class _Book:
    balance: int = 0
    counts: Counter[Act] = field(default_factory=Counter)
    cents: Counter[Act] = field(default_factory=Counter)
    holdings: dict[str, _Holding] = field(default_factory=dict)

    def enter(self, step: Step) -> None:
        """Enter a step in cents and millionths of a unit."""
        millionths, price = int(step.quantity * _MILLIONTHS), Fraction(step.price)
        if step.act in (Act.BUY, Act.SELL):
            exact = price * millionths * _CENTS / _MILLIONTHS
            cents = ceil(exact) if step.act is Act.BUY else floor(exact)
            holding = self.holdings.setdefault(step.asset, _Holding())
            (holding.buy if step.act is Act.BUY else holding.sell)(millionths, price)
        else:
            cents = int(step.amount * _CENTS)
        self.counts[step.act] += 1
        self.cents[step.act] += cents
        self.balance += cents if step.act in (Act.DEPOSIT, Act.SELL) else -cents


def _half_up(value: Fraction) -> int:
    """Round a number that isn't negative to the nearest whole one, halves up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def _decimal(value: int, parts: int) -> Decimal:
    return Decimal(value) / parts
