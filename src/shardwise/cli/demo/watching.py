"""Which signals real closes bring to investors who watch them, worked out with fractions and without roots.

Deliberately another way than the service's, so that a mistake in one of them shows as a difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from shardwise.cli.demo.plan import Investor
from shardwise.cli.demo.prices import Close

PERIODS = 20  # closes in a band
_WIDTH_SQUARED = 4  # two standard deviations
_EVERY = 5  # one investor in five watches
_DAYS = 21  # trading days, from an investor's first one on
_MILLIONTHS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day that is watched: its close, those of the band before it, and the next one."""

    before: tuple[Close, ...]
    close: Close
    after: Close


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What somebody watches.

    Attributes:
        name: the investor's.
        symbol: the asset.
        closes: its closes: those of the first band, then each day that is watched, then one more.
    """

    name: str
    symbol: str
    closes: tuple[Close, ...]

    def days(self) -> Iterator[Day]:
        """Yield the days that are watched; those on which oil cost less than nothing are left out."""
        for place in range(PERIODS, len(self.closes) - 1):
            around = self.closes[place - PERIODS : place + 2]
            if min(close.price for close in around) > 0:
                yield Day(before=around[:PERIODS], close=around[PERIODS], after=around[PERIODS + 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedSignal:
    """A signal that must have been stored, and how it turned out after one day.

    Attributes:
        day: of the close that left the band.
        word: BUY or SELL.
        price: that close.
        price_after: the next close.
        profit: what following the signal brought, in percent, 6 digits after the point.
        won: whether that is 1 % or more.
    """

    day: date
    word: str
    price: Decimal
    price_after: Decimal
    profit: Decimal
    won: bool


def make_watches(closes: Mapping[str, Sequence[Close]], plan: Sequence[Investor]) -> tuple[Watch, ...]:
    """Return what one investor in five watches: the asset of their first purchase, from that day on.

    Who begins too early for a band, or too late for a day after it, watches the first or last days there are.
    """
    return tuple(_watch(closes, investor) for investor in plan[::_EVERY])


def _watch(closes: Mapping[str, Sequence[Close]], investor: Investor) -> Watch:
    bought = next(step for step in investor.steps if step.asset)
    series = closes[bought.asset]
    first = next(place for place, close in enumerate(series) if close.day >= bought.day)
    first = max(0, min(first - PERIODS, len(series) - PERIODS - _DAYS - 1))
    return Watch(
        name=investor.name, symbol=bought.asset, closes=tuple(series[first : first + PERIODS + _DAYS + 1])
    )


def expect_signals(watch: Watch) -> tuple[ExpectedSignal, ...]:
    """Return a watch's signals: closes two standard deviations or more from the mean of those before them."""
    found = (_expect(day) for day in watch.days())
    return tuple(signal for signal in found if signal is not None)


def _expect(watched: Day) -> ExpectedSignal | None:
    band = [Fraction(close.price) for close in watched.before]
    close, after = watched.close, watched.after
    mean = sum(band, Fraction(0)) / len(band)
    variance = sum(((price - mean) ** 2 for price in band), Fraction(0)) / len(band)
    distance = Fraction(close.price) - mean
    if not variance or distance**2 < _WIDTH_SQUARED * variance:
        return None
    moved = (Fraction(after.price) / Fraction(close.price) - 1) * 100
    profit = -moved if distance > 0 else moved
    return ExpectedSignal(
        day=close.day,
        word="SELL" if distance > 0 else "BUY",
        price=close.price,
        price_after=after.price,
        profit=_rounded(profit),
        won=profit >= 1,
    )


def _rounded(percent: Fraction) -> Decimal:
    """Round half away from zero to millionths."""
    scaled = abs(percent) * _MILLIONTHS
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if percent >= 0 else -whole) / _MILLIONTHS
