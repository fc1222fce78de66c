"""Whether a signal was right: the rule, without a database."""

from dataclasses import dataclass
from decimal import Decimal

from shardwise.finance.signals.types import BUYING, SELLING
from shardwise.finance.validation import EXACT, to_scale

ENOUGH = Decimal(1)
"""How many percent the price must have moved the signal's way for it to win."""

_RATE_SCALE = 6
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a signal turned out.

    Attributes:
        profit_rate: what following it brought, in percent, rounded half up to 6 digits after the point.
            Above zero for a SELL whose price fell.
        is_win: whether that was 1 % or more, before rounding.
    """

    profit_rate: Decimal
    is_win: bool


def direction_of(signal_type: str) -> int | None:
    """Return 1 for a signal that bets on a rise, -1 for one that bets on a fall, None for any other word."""
    word = signal_type.upper()
    if word in BUYING:
        return 1
    return -1 if word in SELLING else None


def judge(signal_type: str, before: Decimal | None, after: Decimal | None) -> Verdict | None:
    """Judge a signal by the price one day later.

    BUY and STRONG_BUY win if the price rose by 1 % or more, SELL and STRONG_SELL if it fell by as much.

    Args:
        signal_type: what it said.
        before: the price at that moment.
        after: the price one day later.

    Returns:
        None if it can't be judged: a price is missing or not above zero, or the word has no direction.
    """
    direction = direction_of(signal_type)
    if direction is None or not before or not after or before < 0 or after < 0:
        return None
    change = EXACT.multiply(EXACT.subtract(after, before), _HUNDRED * direction)
    return Verdict(
        profit_rate=to_scale(EXACT.divide(change, before), _RATE_SCALE),
        is_win=change >= EXACT.multiply(ENOUGH, before),
    )
