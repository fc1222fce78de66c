"""Bollinger bands: signals from closing prices, without a database.

The band is the moving average plus and minus 2 population standard deviations (divided by n, not n - 1) of
the same closes, as John Bollinger defines it ("Bollinger on Bollinger Bands", 2001, and
https://www.bollingerbands.com/bollinger-band-rules). He takes 20 periods; with fewer closes there are as many
periods as closes, 5 at least.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shardwise.errors import InvalidValueError
from shardwise.finance.signals.types import SignalType
from shardwise.finance.validation import EXACT

FEWEST_PERIODS, MOST_PERIODS = 5, 20
DEVIATIONS = Decimal(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A band around a mean."""

    lower: Decimal
    middle: Decimal
    upper: Decimal


def band_of(closes: Sequence[Decimal]) -> Band:
    """Return the band of closes, in decimals of 65 digits.

    Args:
        closes: 5 or more prices, each above zero.

    Raises:
        InvalidValueError: there are fewer, or one is no such price.
    """
    _check_closes(closes)
    count, total, squares = _sums(closes)
    middle = EXACT.divide(total, count)
    deviation = EXACT.divide(EXACT.sqrt(EXACT.divide(squares, count)), count)
    reach = EXACT.multiply(DEVIATIONS, deviation)
    return Band(lower=EXACT.subtract(middle, reach), middle=middle, upper=EXACT.add(middle, reach))


def signal_for(
    closes: Sequence[Decimal], price: Decimal, *, periods: int = MOST_PERIODS
) -> SignalType | None:
    """Return BUY at or below the lower band, SELL at or above the upper one, None between them.

    Args:
        closes: 5 or more closing prices, oldest first; the last `periods` of them make the band.
        price: the price now, above zero.
        periods: how many closes make the band if there are as many, 5 to 20.

    Returns:
        None also where all closes are equal: such a band has no width to be left.

    Raises:
        InvalidValueError: there are fewer than 5 closes, or a number is out of its range.
    """
    if type(periods) is not int or not FEWEST_PERIODS <= periods <= MOST_PERIODS:
        raise InvalidValueError("periods", f"takes {FEWEST_PERIODS} to {MOST_PERIODS}, not {periods!r}")
    _check_price("price", price)
    closes = closes[-periods:]
    _check_closes(closes)
    count, total, squares = _sums(closes)
    # price <= mean - 2 * deviation, multiplied out and squared: exact, where a root would be rounded.
    distance = EXACT.subtract(EXACT.multiply(price, count), total)
    outside = EXACT.multiply(count, EXACT.multiply(distance, distance)) >= EXACT.multiply(
        DEVIATIONS * DEVIATIONS, squares
    )
    if not squares or not outside:
        return None
    return SignalType.BUY if distance < 0 else SignalType.SELL


def _sums(closes: Sequence[Decimal]) -> tuple[Decimal, Decimal, Decimal]:
    """Return how many closes there are (n), their sum, and the sum of the squares of n * close - sum."""
    count, total, squares = Decimal(len(closes)), Decimal(0), Decimal(0)
    for close in closes:
        total = EXACT.add(total, close)
    for close in closes:
        distance = EXACT.subtract(EXACT.multiply(close, count), total)
        squares = EXACT.add(squares, EXACT.multiply(distance, distance))
    return count, total, squares


def _check_closes(closes: Sequence[Decimal]) -> None:
    if len(closes) < FEWEST_PERIODS:
        raise InvalidValueError("closes", f"{len(closes)} are too few; {FEWEST_PERIODS} are the least")
    for close in closes:
        _check_price("closes", close)


def _check_price(field: str, price: object) -> None:
    if not isinstance(price, Decimal) or not price.is_finite() or price <= 0:
        raise InvalidValueError(field, f"{price!r} is not a Decimal above zero")
